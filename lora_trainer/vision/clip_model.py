"""An open_clip model from the user's own file: pictures and texts as vectors of one space."""

from __future__ import annotations

import difflib
import importlib.util
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import devices, packages
from ..errors import FileFormatError, UserError
from ..sentences import Sentence
from .preprocessing import Preprocessing

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

CONFIG = "open_clip_config.json"
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
TOKENIZERS = ("tokenizer.json", "tokenizer_config.json")
TEXTS_AT_ONCE = 64


class ClipModel:
    """Pictures and texts as unit vectors; the products of the two, times `scale`, are the model's own logits."""

    def __init__(self, network: Any, preprocessing: Preprocessing, tokenize: Any, device: torch.device) -> None:
        self._network, self._preprocessing, self._tokenize = network, preprocessing, tokenize
        self._device = device
        self.scale = float(network.logit_scale.exp())

    def pictures(self, pictures: Sequence[Image]) -> torch.Tensor:
        """RGB pictures as (n, width), fp32 on the CPU."""
        import torch

        pixels = torch.from_numpy(self._preprocessing(pictures)).to(self._device)
        with torch.inference_mode():
            return torch.nn.functional.normalize(self._network.encode_image(pixels).float(), dim=-1).cpu()

    def texts(self, texts: Sequence[str]) -> torch.Tensor:
        """Texts as (n, width), fp32 on the CPU."""
        import torch

        with torch.inference_mode():
            parts = [
                self._network.encode_text(self._tokenize(list(texts[start : start + TEXTS_AT_ONCE])).to(self._device))
                for start in range(0, len(texts), TEXTS_AT_ONCE)
            ]
            return torch.nn.functional.normalize(torch.cat(parts).float(), dim=-1).cpu()

    def release(self) -> None:
        """Give cached memory back to the device."""
        devices.release_memory(self._device)

    def close(self) -> None:
        """Leave the device."""
        self._network = None
        devices.release_memory(self._device)


def load_clip(path: Path, architecture: str = "", device: str = "auto") -> ClipModel:
    """The model in a checkpoint, or in a folder with open_clip_config.json beside it.

    Without `architecture` (open_clip's name, such as 'ViT-B-32') the configuration or the file's name tells it.
    Raises FileFormatError for files that do not fit, UserError when something is missing.
    """
    open_clip = packages.open_clip()
    file, folder = _checkpoint_of(path), path if path.is_dir() else path.parent
    config, preprocess = _configuration(open_clip, file, folder, architecture)
    tokenize = _tokenizer(open_clip, config["text_cfg"], folder)
    network = _build(open_clip, config, file)
    _fill(open_clip, network, file)
    place = devices.choose(device)
    network.eval().requires_grad_(False).to(place)
    size = preprocess.get("size") or network.visual.image_size
    return ClipModel(network, Preprocessing.of(size, preprocess), tokenize, place)


def is_clip_model(path: Path) -> bool:
    """Whether this looks like one: a checkpoint, or a folder with a configuration and a checkpoint in it."""
    if path.is_dir():
        return (path / CONFIG).is_file() and any(file.suffix in SUFFIXES for file in path.iterdir())
    return path.suffix in SUFFIXES and path.is_file()


def known_architectures() -> list[str]:
    """open_clip's names, read without importing it; empty when it is not installed."""
    spec = importlib.util.find_spec("open_clip")
    if spec is None or spec.origin is None:
        return []
    return sorted(file.stem for file in (Path(spec.origin).parent / "model_configs").glob("*.json"))


def architecture_of(path: Path, names: Sequence[str]) -> str:
    """The longest architecture's name in the file's or its folder's name, whatever the case and signs; '' for none."""
    for text in (path.stem, path.parent.name):
        words = _plain(text)
        fitting = [name for name in names if re.search(rf"(?<![a-z0-9]){re.escape(_plain(name))}(?![a-z0-9])", words)]
        if fitting:
            return max(fitting, key=len)
    return ""


def is_torchscript(file: Path) -> bool:
    """Whether this is one of the archives that OpenAI published: weights with QuickGELU, whatever the name says."""
    if file.is_dir() or not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("constants.pkl") for name in archive.namelist())


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def _checkpoint_of(path: Path) -> Path:
    """The checkpoint itself; safetensors first, and of several the first by name."""
    if not path.is_dir():
        return path
    files = [file for file in path.iterdir() if file.suffix in SUFFIXES]
    return min(files, key=lambda file: (SUFFIXES.index(file.suffix), "open_clip" not in file.name, file.name))


def _configuration(
    open_clip: Any, file: Path, folder: Path, architecture: str
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The model's and its preprocessing's configuration, from the folder or from open_clip's list."""
    if (folder / CONFIG).is_file() and not architecture:
        try:
            values = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            config, preprocess = values.get("model_cfg", values), values.get("preprocess_cfg", {})
            if {"embed_dim", "vision_cfg", "text_cfg"} <= config.keys():
                return deepcopy(config), preprocess
        except (OSError, ValueError, AttributeError):
            pass
        raise FileFormatError(Sentence("clip_config", "'{file}' is no model of open_clip.", file=str(folder / CONFIG)))
    names = open_clip.list_models()
    name = architecture or architecture_of(file, names)
    if name not in names:
        raise _unknown_architecture(file, name, names)
    config = open_clip.get_model_config(name)
    usual = _usual(open_clip, name, file)
    config["quick_gelu"] = bool(config.get("quick_gelu") or usual.get("quick_gelu") or is_torchscript(file))
    return config, usual


def _unknown_architecture(file: Path, name: str, names: Sequence[str]) -> UserError:
    if not name:
        return UserError(
            Sentence(
                "clip_architecture",
                "It is not known of which architecture the open_clip model '{file}' is. Put its name into the file's, "
                "e.g. 'ViT-B-32.safetensors', or name it.",
                file=file.name,
            )
        )
    return UserError(
        Sentence(
            "clip_no_architecture",
            "open_clip knows no architecture '{name}'. Similar are: {known}.",
            name=name,
            known=", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.0)),
        )
    )


def _usual(open_clip: Any, name: str, file: Path) -> Mapping[str, Any]:
    """What published weights of this architecture have beside it: those that the file is named after, else where all
    of them agree."""
    tags = open_clip.list_pretrained_tags_by_model(name)
    named = [tag for tag in tags if _plain(tag) in _plain(file.stem)]
    found = [open_clip.get_pretrained_cfg(name, tag) for tag in named or tags]
    keys = ("mean", "std", "interpolation", "resize_mode", *(["quick_gelu"] if named else []))
    agreed = {key: {str(config.get(key)): config.get(key) for config in found} for key in keys}
    return {key: next(iter(values.values())) for key, values in agreed.items() if len(values) == 1}


def _tokenizer(open_clip: Any, text: Mapping[str, Any], folder: Path) -> Any:
    """From texts to tokens (n, context length). A tokenizer of transformers has to lie beside the model."""
    length = text.get("context_length", 77)
    if not text.get("hf_tokenizer_name"):
        return lambda texts: open_clip.tokenize(texts, context_length=length)
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise UserError(
            Sentence(
                "clip_tokenizer",
                "This open_clip model needs the tokenizer '{name}', which is not downloaded: put its files "
                "(tokenizer.json ...) into '{folder}'.",
                name=text["hf_tokenizer_name"],
                folder=str(folder),
            )
        )
    made = open_clip.tokenizer.HFTokenizer(str(folder), **text.get("tokenizer_kwargs", {}))
    return lambda texts: made(texts, context_length=length)


def _build(open_clip: Any, config: dict[str, Any], file: Path) -> Any:
    """The network with random weights, on the CPU."""
    if "hf_model_name" in config["text_cfg"]:
        raise UserError(
            Sentence(
                "clip_text_tower",
                "'{file}' reads its texts with a model of its own ({name}), which is not supported: take another.",
                file=file.name,
                name=config["text_cfg"]["hf_model_name"],
            )
        )
    if "timm_model_name" in config["vision_cfg"]:
        config["vision_cfg"]["timm_model_pretrained"] = False
    custom = config.pop("custom_text", False)
    if "multimodal_cfg" in config:
        return open_clip.CoCa(**config)
    return (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)


def _fill(open_clip: Any, network: Any, file: Path) -> None:
    """Put the weights of a checkpoint into the network. Raises FileFormatError where they do not fit."""
    state = _read(file)
    if hasattr(open_clip.factory, "convert_state_dict"):  # weights in others' formats, in newer versions
        state = open_clip.factory.convert_state_dict(network, state)
    if "positional_embedding" in state and not hasattr(network, "positional_embedding"):
        state = open_clip.model.convert_to_custom_text_state_dict(state)
    state.pop("text.transformer.embeddings.position_ids", None)
    for name in {"logit_scale", "logit_bias"} & state.keys():
        state[name] = state[name].reshape(getattr(network, name).shape)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise FileFormatError(
            Sentence(
                "clip_weights",
                "The weights in '{file}' do not fit the architecture that it is taken for: name the right one. "
                "({reason})",
                file=file.name,
                reason=" ".join(str(error).split())[:200],
            )
        ) from error


def _read(file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, OpenAI's TorchScript files included, without what data parallelism puts in front."""
    from ..files.pickled import load_pickled

    if file.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            state = load_file(str(file))
        except SafetensorError as error:
            reason = Sentence("clip_damaged", "'{file}' is damaged ({reason}).", file=str(file), reason=str(error))
            raise FileFormatError(reason) from error
    elif is_torchscript(file):
        import torch

        state = torch.jit.load(str(file), map_location="cpu").state_dict()
        for name in ("input_resolution", "context_length", "vocab_size"):
            state.pop(name, None)
    else:
        state = load_pickled(file)
    return {key.removeprefix("module."): value for key, value in state.items()}
