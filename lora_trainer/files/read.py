"""Reading LoRA files of every usual key style. Nothing stays open or mapped afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from ..errors import FileFormatError, UserError
from .container import ContainerReader
from .family import family_of
from .keys import EMBEDDING, kohya_name, style_of, take_apart
from .kinds import module_of
from .lora import LoraFile, LoraModule
from .module import Parts
from .pickled import load_pickled
from .unet_names import canonical

SDXL_CONTEXT = 2048


def read_lora(path: Path | str) -> LoraFile:
    """Everything in a LoRA file, under kohya's names, in the file's dtypes.

    A missing alpha means a scale of 1, as for the hosts; PEFT's settings beside or in the file are followed.
    Raises FileFormatError when the file is damaged or its matrices do not fit together, UserError when it is missing.
    """
    path = Path(path)
    tensors, left_out, metadata = read_tensors(path)
    file = LoraFile(path, {}, metadata, unknown=left_out, style=style_of(tensors))
    grouped = _grouped(tensors, file)
    settings = _peft_settings(path, metadata)
    for name, (parts, original) in grouped.items():
        module = module_of(parts, partial(_alpha, parts, settings, original))
        if module is None:
            file.other[name] = parts
        elif problem := module.problem():
            raise FileFormatError(f"'{name}' in '{path}' cannot be used: {problem}.")
        elif isinstance(module, LoraModule):
            file.modules[name] = module
        else:
            file.special[name] = module
    _number_as_kohya(file)
    return file


def _alpha(parts: Parts, settings: _PeftSettings, original: str, rank: int) -> float:
    return float(parts["alpha"]) if "alpha" in parts else settings.alpha(original, rank)


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], list[str], dict[str, str]]:
    """The tensors that a LoRA can hold, the other keys (not read: the file may be a whole checkpoint), the metadata.

    Of a .safetensors file, or of a .pt/.ckpt file (weights only).
    """
    try:
        if path.suffix.lower() in (".pt", ".ckpt", ".pth", ".bin"):
            content = load_pickled(path)
            tensors = {key: tensor for key, tensor in content.items() if _belongs_to_a_lora(key)}
            return tensors, [key for key in content if key not in tensors], {}
        with ContainerReader(path) as reader:
            tensors = {key: reader.tensor(key) for key in reader.tensors if _belongs_to_a_lora(key)}
            return tensors, [key for key in reader.tensors if key not in tensors], reader.metadata
    except FileNotFoundError as error:
        raise UserError(f"There is no file '{path}'.") from error
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror or error}.") from error


def _belongs_to_a_lora(key: str) -> bool:
    return take_apart(key) is not None or EMBEDDING.match(key) is not None


def _grouped(tensors: Mapping[str, torch.Tensor], file: LoraFile) -> dict[str, tuple[dict[str, torch.Tensor], str]]:
    """Tensors by module as {kohya name: ({role: tensor}, name in the file)}; the rest goes into `file`."""
    two_encoders = _has_two_encoders(tensors)
    grouped: dict[str, tuple[dict[str, torch.Tensor], str]] = {}
    for key, tensor in tensors.items():
        if found := EMBEDDING.match(key):
            file.embeddings[found["name"]] = tensor
            continue
        parts = take_apart(key)
        name = kohya_name(parts.module, two_encoders) if parts else None
        if parts is None or name is None:
            file.unknown.append(key)
        else:
            grouped.setdefault(name, ({}, parts.module))[0][parts.role] = tensor
    for name in [name for name, (parts, _) in grouped.items() if parts.keys() == {"alpha"}]:
        file.unknown.append(f"{grouped.pop(name)[1]}.alpha")
    return grouped


def _number_as_kohya(file: LoraFile) -> None:
    """Give SDXL's U-Net modules the original block numbers, whatever the file calls them."""
    family = family_of(file)
    file.modules = {canonical(name, family): module for name, module in file.modules.items()}
    file.special = {canonical(name, family): module for name, module in file.special.items()}
    file.other = {canonical(name, family): parts for name, parts in file.other.items()}


def _has_two_encoders(tensors: Mapping[str, torch.Tensor]) -> bool:
    """Whether diffusers' 'text_encoder' is the first of SDXL's two."""
    if any(key.startswith(("text_encoder_2.", "lora_te2_", "lora_te1_")) for key in tensors):
        return True
    return any(
        ".attn2." in key and "to_k" in key and tensor.ndim > 1 and tensor.shape[1] == SDXL_CONTEXT
        for key, tensor in tensors.items()
    )


@dataclass(frozen=True)
class _PeftSettings:
    """Alpha and kind of scaling by part ('unet', 'text_encoder', '' for all), as PEFT writes them."""

    by_part: Mapping[str, Mapping[str, Any]]

    def alpha(self, module: str, rank: int) -> float:
        """Alpha as a LoRA file states it; the rank itself where nothing is known."""
        part = next((part for part in self.by_part if part and module.startswith(part + ".")), "")
        settings = self.by_part.get(part, {})
        alpha = _pattern_value(settings.get("alpha_pattern"), module, settings.get("lora_alpha"))
        if not isinstance(alpha, (int, float)):
            return float(rank)
        return float(alpha) * rank**0.5 if settings.get("use_rslora") else float(alpha)


def _pattern_value(pattern: Any, module: str, default: Any) -> Any:
    """PEFT's alpha_pattern: the value whose key ends the module's name."""
    for suffix, value in (pattern or {}).items() if isinstance(pattern, dict) else ():
        if module == suffix or module.endswith("." + suffix):
            return value
    return default


def _peft_settings(path: Path, metadata: Mapping[str, str]) -> _PeftSettings:
    """From diffusers' 'lora_adapter_metadata' in the file, or PEFT's adapter_config.json beside adapter_model.*."""
    beside = path.with_name("adapter_config.json")
    try:
        if path.stem == "adapter_model" and beside.is_file():
            return _PeftSettings({"": json.loads(beside.read_text(encoding="utf-8"))})
        flat = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    except ValueError:
        return _PeftSettings({})
    by_part: dict[str, dict[str, Any]] = {}
    for key, value in flat.items() if isinstance(flat, dict) else ():
        part, _, option = key.partition(".")
        by_part.setdefault(part if option else "", {})[option or key] = value
    return _PeftSettings(by_part)
