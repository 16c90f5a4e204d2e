"""Which checkpoint the host has selected and which it holds, and whether one of them can be trained on."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...checkpoints import open_checkpoint
from ...config import EPSILON, V_PREDICTION
from ...errors import BaseAway, BaseModelError
from ...families.base import FAMILIES
from ...families.blocks import lora_blocks
from ...families.detect import detect
from ...sentences import Sentence
from ..base import BaseInfo
from .kind import kind

if TYPE_CHECKING:
    from torch import nn

INPAINTING, PIX2PIX, PICTURE_INPUTS = 9, 8, 4
"""Input channels of a U-Net: with a mask and a masked picture, with a picture to be changed, of plain pictures."""
ZERO_SNR = "Zero Terminal SNR"
"""The host's noise schedule of that kind."""
FAMILY_FLAGS = {"sdxl": "is_sdxl", "sd2": "is_sd2", "sd1": "is_sd1"}
LOADING = (RuntimeError, OSError, ValueError, KeyError, AttributeError, AssertionError, TypeError, ImportError)
"""What a host may raise when a checkpoint does not load."""


def describe() -> BaseInfo:
    """The base that the host would draw its next picture with. Nothing is loaded.

    Raises BaseModelError when there is none or it cannot be trained on.
    """
    selected, model = selected_checkpoint(), kind().loaded()
    require_host_settings()
    if model is not None and same_file(model.sd_model_checkpoint, selected.filename):
        return describe_model(model)
    info = _describe_file(selected.filename, _age(selected.filename))
    return replace(info, name=selected.name_for_extra, sha256=selected.sha256 or "")


def selected_checkpoint() -> Any:
    """The host's CheckpointInfo of what is selected. Raises BaseModelError when it has no checkpoint at all."""
    from modules import sd_models

    try:
        selected = sd_models.select_checkpoint()
    except FileNotFoundError:
        selected = None  # as Forge says it
    if selected is None:
        raise BaseModelError(
            Sentence("no_checkpoint", "The WebUI has no checkpoint. Put one into its folder and select it.")
        )
    return selected


def bring_back(expected: str = "") -> Any:
    """Do what the host does before a picture: have the selected checkpoint loaded, whole and on its device.

    Called under the host's lock. Raises BaseAway when another file than `expected` is selected or the host cannot
    load that one any more, BaseModelError when it cannot load the first one or it cannot be trained on.
    """
    selected = selected_checkpoint()
    if expected and not same_file(selected.filename, expected):
        raise BaseAway(away(expected))
    try:
        model = kind().load(selected)
    except LOADING as error:
        name = selected.name_for_extra
        raise (BaseAway(_lost(name, error)) if expected else BaseModelError(_not_loaded(name, error))) from error
    require_trainable(model)
    return model


def away(path: str) -> Sentence:
    """What to do when another checkpoint is selected than the one that a run trains on."""
    return Sentence(
        "base_away", "Another checkpoint is selected. Select '{name}' to go on with the training.", name=Path(path).stem
    )


def _not_loaded(name: str, error: Exception) -> Sentence:
    text = "The WebUI cannot load the checkpoint '{name}' ({reason}). Its log says more."
    return Sentence("base_not_loaded", text, name=name, reason=error)


def _lost(name: str, error: Exception) -> Sentence:
    """Said by a run that is under way: what it has learned is kept, so it may go on later."""
    text = (
        "The WebUI let go of the checkpoint '{name}' and cannot load it again ({reason}). Its log says more. What was "
        "learned is kept: load '{name}' again to go on with the training."
    )
    return Sentence("base_lost", text, name=name, reason=error)


def same_file(one: str, other: str) -> bool:
    return Path(one) == Path(other)


def describe_model(model: Any) -> BaseInfo:
    """What is known of a loaded model. Raises BaseModelError when it cannot be trained on."""
    from modules import shared

    require_trainable(model)
    family = FAMILIES.get(family_of(model))
    prediction = V_PREDICTION if model.parameterization == "v" else EPSILON
    checkpoint = model.sd_checkpoint_info
    said = _header(checkpoint.filename, family.name, _age(checkpoint.filename))
    return BaseInfo(
        name=checkpoint.name_for_extra,
        family=family.name,
        prediction_type=prediction,
        zero_terminal_snr=getattr(model, "zero_terminal_snr", False) or shared.opts.sd_noise_schedule == ZERO_SNR,
        latent_scale=float(model.scale_factor),
        native_resolution=said.resolution or family.resolution(prediction),
        path=str(checkpoint.filename),
        sha256=checkpoint.sha256 or "",
        blocks=said.blocks,
        conv_blocks=said.conv_blocks,
    )


def family_of(model: object) -> str:
    """'sd1', 'sd2' or 'sdxl', '' for anything else or no model."""
    return next((family for family, flag in FAMILY_FLAGS.items() if getattr(model, flag, False)), "")


def _age(path: str) -> int:
    """When the file was changed last; 0 for one that is gone."""
    return Path(path).stat().st_mtime_ns if Path(path).exists() else 0


@lru_cache(maxsize=4)
def _describe_file(path: str, age: int) -> BaseInfo:
    """What a checkpoint's headers tell. A page asks again and again, so it is remembered until the file changes."""
    with open_checkpoint(path) as checkpoint:
        return detect(checkpoint).info


class _Header(NamedTuple):
    """What a loaded model does not tell: the side that its file names, and its blocks (see BaseInfo)."""

    resolution: int | None = None
    blocks: tuple[str, ...] = ()
    conv_blocks: tuple[str, ...] = ()


@lru_cache(maxsize=4)
def _header(path: str, family: str, age: int) -> _Header:
    """What the checkpoint's own header says; remembered like the description."""
    if not path.lower().endswith(".safetensors") or not age:
        return _Header()
    with open_checkpoint(path) as checkpoint:
        return _Header(checkpoint.hints.resolution, *lora_blocks(FAMILIES.get(family), checkpoint.shapes))


def require_host_settings() -> None:
    """Raise BaseModelError when the host was started in a way that does not allow training."""
    if kind().keeps_parts_away():
        raise BaseModelError(
            Sentence(
                "lowvram",
                "The WebUI was started with --lowvram, which keeps only a part of the U-Net on the device; a training "
                "needs all of it. Start it with --medvram, or train on another machine.",
            )
        )


def require_trainable(model: Any) -> None:
    """Raise BaseModelError for a loaded model that cannot be trained on."""
    require_host_settings()
    reason = next((sentence for sentence in (*_kinds(model), *_formats(model)) if sentence), None)
    if reason:
        raise BaseModelError(reason)


def _kinds(model: Any) -> list[Sentence | None]:
    """A sentence for each kind of model that is not supported; None where it is not of that kind."""
    name = model.sd_checkpoint_info.name_for_extra

    def unless(supported: bool, code: str, what: str) -> Sentence | None:
        ending = " Select a base of Stable Diffusion 1, 2 or XL."
        return (
            None
            if supported
            else Sentence(code, "'{name}' is " + what + ", which cannot be trained." + ending, name=name)
        )

    # The order matters: what comes later may ask for parts that an earlier kind does not have.
    if getattr(model, "is_sd3", False):
        return [unless(False, "base_is_sd3", "a base of Stable Diffusion 3")]
    if not family_of(model):
        return [unless(False, "base_is_other", "a base of another kind")]
    if getattr(model, "is_ssd", False):
        return [unless(False, "base_is_ssd", "a pruned base of the SSD kind")]
    inputs = _input_channels(model)
    edits = getattr(model, "cond_stage_key", "") == "edit" or inputs == PIX2PIX
    return [
        unless(not edits, "base_is_pix2pix", "an instruct-pix2pix base"),
        unless(not _inpaints(model) and inputs != INPAINTING, "base_is_inpainting", "an inpainting base"),
        unless(not _is_refiner(model), "base_is_refiner", "SDXL's refiner"),
        unless(inputs == PICTURE_INPUTS, "base_has_inputs", "a base with inputs beside the picture (depth, upscaling)"),
        unless(_has_clip(model), "base_is_unknown", "a base with another text encoder than CLIP"),
    ]


def _inpaints(model: Any) -> bool:
    return getattr(model.model, "conditioning_key", "") in ("hybrid", "concat") or bool(
        getattr(model, "is_sdxl_inpaint", False)
    )


def _is_refiner(model: Any) -> bool:
    """The refiner has only the second of SDXL's text encoders, in the first place."""
    return bool(model.is_sdxl) and not hasattr(wrapped(model.conditioner.embedders[0]), "transformer")


def _has_clip(model: Any) -> bool:
    if model.is_sdxl:
        return True
    text: Any = wrapped(model.cond_stage_model)
    return (hasattr(text, "transformer") and not hasattr(text, "roberta")) or hasattr(text, "model")


def wrapped(embedder: nn.Module) -> Any:
    """The text encoder inside of what the host put around it for its prompt syntax."""
    return getattr(embedder, "wrapped", embedder)


def _input_channels(model: Any) -> int:
    return int(model.model.diffusion_model.get_parameter("input_blocks.0.0.weight").shape[1])


def _formats(model: Any) -> list[Sentence | None]:
    """Number formats that cannot be computed with on this device."""
    from modules import devices

    if packed := getattr(model, "packed", ""):
        text = (
            "'{name}' is held in the format {format}, whose numbers are packed. Set 'Diffusion in Low Bits' at the top "
            "of Forge's page to 'Automatic', or select a checkpoint in fp16."
        )
        return [Sentence("base_is_packed", text, name=model.sd_checkpoint_info.name_for_extra, format=packed)]
    dtype = next(model.model.diffusion_model.parameters()).dtype
    half_on_cpu = str(dtype) == "torch.float16" and devices.device.type == "cpu"
    text = "The WebUI holds the checkpoint in fp16 on the CPU, which is unusably slow. Start it with --no-half."
    return [Sentence("half_on_cpu", text) if half_on_cpu else None]
