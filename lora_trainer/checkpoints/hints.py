"""What is said of a base beside its tensors: in a yaml, in its metadata, in a diffusers folder's configs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import EPSILON, V_PREDICTION
from ..errors import BaseModelError

PREDICTIONS = {"v": V_PREDICTION, "v_prediction": V_PREDICTION, "eps": EPSILON, "epsilon": EPSILON}


@dataclass(frozen=True)
class TextHints:
    """Of a text encoder: its attention heads and activation ('gelu', 'quick_gelu'), where known."""

    heads: int | None = None
    activation: str | None = None


@dataclass(frozen=True)
class Hints:
    """Of a base; None where nothing is said. `heads` and `head_channels` are the U-Net's, `text` one per encoder."""

    prediction_type: str | None = None
    zero_terminal_snr: bool | None = None
    latent_scale: float | None = None
    heads: int | tuple[int, ...] | None = None
    head_channels: int | None = None
    text: tuple[TextHints, ...] = ()
    resolution: int | None = None
    """Side in pixels of the pictures that the base was trained on."""

    def over(self, weaker: Hints) -> Hints:
        """These hints, completed from weaker ones."""
        said = {name: value for name, value in vars(self).items() if value not in (None, ())}
        return dataclasses.replace(weaker, **said)

    def of_text(self, index: int) -> TextHints:
        return self.text[index] if index < len(self.text) else TextHints()


def hints_from_metadata(metadata: Mapping[str, str]) -> Hints:
    """From a safetensors header. Key names: Stability's model spec, https://github.com/Stability-AI/ModelSpec"""
    said = metadata.get("modelspec.prediction_type", "").lower()
    width, _, height = metadata.get("modelspec.resolution", "").partition("x")
    resolution = round((int(width) * int(height)) ** 0.5) if width.isdigit() and height.isdigit() else None
    return Hints(prediction_type=PREDICTIONS.get(said), resolution=resolution)


def hints_from_yaml(yaml: Mapping[str, Any], folder: Path) -> Hints:
    """From the yaml beside a checkpoint, of CompVis' (SD1, SD2) or Stability's (SDXL) kind. `folder`: where it lies."""
    params = _at(yaml, "model", "params")
    unet = _at(params, "unet_config", "params") or _at(params, "network_config", "params")
    heads, head_channels = (unet.get(name) for name in ("num_heads", "num_head_channels"))
    return Hints(
        prediction_type=_prediction_from_yaml(params),
        latent_scale=params.get("scale_factor"),
        heads=heads if heads and heads > 0 else None,  # -1 is ldm's word for unset
        head_channels=head_channels if head_channels and head_channels > 0 else None,
        text=tuple(_text_from_yaml(encoder, folder) for encoder in _text_encoders(params)),
    )


def _prediction_from_yaml(params: Mapping[str, Any]) -> str | None:
    denoiser = _at(params, "denoiser_config", "params", "scaling_config").get("target", "")
    if denoiser:
        return V_PREDICTION if denoiser.rpartition(".")[2].startswith("VScaling") else EPSILON
    said = str(params.get("parameterization", "eps" if params.get("unet_config") else ""))
    return PREDICTIONS.get(said)


def _text_encoders(params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Configs of the text encoders, in order; SDXL lists them among embedders of other things."""
    embedders = _at(params, "conditioner_config", "params").get("emb_models") or [params.get("cond_stage_config") or {}]
    return [embedder for embedder in embedders if "CLIP" in str(embedder.get("target", ""))]


def _text_from_yaml(encoder: Mapping[str, Any], folder: Path) -> TextHints:
    """`version:` of a FrozenCLIPEmbedder may name a folder with a config.json; from there or from beside the yaml."""
    version = _at(encoder, "params").get("version")
    if not version:
        return TextHints()
    places = (folder / str(version), folder / Path(str(version).replace("\\", "/")).name)
    return next((hints for place in places if (hints := text_hints(place / "config.json"))), TextHints())


def text_hints(config: Path) -> TextHints | None:
    """From a Hugging Face config.json of a text encoder; None when there is none."""
    values = read_json(config)
    values = values.get("text_config", values)
    return TextHints(values.get("num_attention_heads"), values.get("hidden_act")) if values else None


def hints_from_folder(folder: Path) -> Hints:
    """From the configs of a diffusers folder."""
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json")
    heads = read_json(folder / "unet" / "config.json").get("attention_head_dim")  # it means the number of heads
    encoders = (text_hints(folder / part / "config.json") for part in ("text_encoder", "text_encoder_2"))
    return Hints(
        prediction_type=PREDICTIONS.get(scheduler.get("prediction_type", "")),
        zero_terminal_snr=scheduler.get("rescale_betas_zero_snr"),
        latent_scale=read_json(folder / "vae" / "config.json").get("scaling_factor"),
        heads=tuple(heads) if isinstance(heads, list) else heads,
        text=tuple(hints for hints in encoders if hints),
    )


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; empty when there is no file. Raises BaseModelError when it holds something else."""
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise BaseModelError(f"{path} is no JSON object ({error}). Get the folder again.") from error


def _at(tree: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The branch of a tree of mappings; empty when it is not there."""
    for name in path:
        branch = tree.get(name)
        tree = branch if isinstance(branch, Mapping) else {}
    return tree
