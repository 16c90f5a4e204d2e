"""What the tools share: weighted inputs, dtypes, and the metadata of what they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import FileFormatError
from ..families.base import FAMILIES
from ..files.family import UNKNOWN, family_of
from ..files.lora import LoraFile, LoraModule, part_of
from ..files.read import read_lora
from ..files.write import DTYPES
from ..host.base import BaseInfo

ABOUT_THE_BASE = (
    *("ss_base_model_version", "ss_v2", "ss_sd_model_name", "ss_sd_model_hash", "ss_new_sd_model_hash"),
    *("ss_clip_skip", "ss_zero_terminal_snr", "modelspec.sai_model_spec", "modelspec.architecture"),
    *("modelspec.implementation", "modelspec.prediction_type", "modelspec.resolution", "modelspec.encoder_layer"),
)


@dataclass(frozen=True)
class WeightedLora:
    """A LoRA file and its strength; text encoders may have another one."""

    path: Path
    strength: float = 1.0
    text_strength: float | None = None

    def strength_of(self, name: str) -> float:
        """The strength of a module."""
        if self.text_strength is None or not part_of(name).startswith("te"):
            return self.strength
        return self.text_strength


def dtype_name(dtype: torch.dtype) -> str:
    """fp16, bf16 or fp32; fp32 for every other."""
    return next((name for name, known in DTYPES.items() if known == dtype), "fp32")


def read_plain_loras(inputs: Sequence[WeightedLora], purpose: str) -> list[LoraFile]:
    """Read files that hold LoRA or LoCon only. Raises FileFormatError also when they are for different families."""
    files = read_loras(inputs)
    for file in files:
        file.require_plain(purpose)
    return files


def read_loras(inputs: Sequence[WeightedLora]) -> list[LoraFile]:
    """Read files of any type. Raises FileFormatError when they are for different families."""
    files = [read_lora(item.path) for item in inputs]
    families = {file.path: family_of(file) for file in files}
    known = {family: path for path, family in families.items() if family != UNKNOWN}
    if len(known) > 1:
        named = ", ".join(f"'{path.name}' is for {family}" for family, path in known.items())
        raise FileFormatError(f"These files belong to different bases and cannot be joined: {named}.")
    return files


def common_metadata(files: Sequence[LoraFile]) -> dict[str, str]:
    """What all files say of their base alike, completed from the family."""
    family = next((family for family in map(family_of, files) if family != UNKNOWN), UNKNOWN)
    first, *others = (file.metadata for file in files)
    shared = {
        key: first[key] for key in ABOUT_THE_BASE if key in first and all(o.get(key) == first[key] for o in others)
    }
    return {**family_metadata(family), **shared}


def family_metadata(family: str, prediction_type: str = "epsilon") -> dict[str, str]:
    """What the family says of itself in a LoRA file; nothing for an unknown one."""
    return FAMILIES.get(family).metadata(BaseInfo("", family, prediction_type)) if family in FAMILIES else {}


def network_metadata(modules: Mapping[str, LoraModule]) -> dict[str, str]:
    """Rank and alpha as kohya's tools state them: 'Dynamic' when modules differ."""
    ranks = {module.rank for module in modules.values()}
    alphas = {round(module.alpha, 6) for module in modules.values()}
    return {
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(ranks.pop()) if len(ranks) == 1 else "Dynamic",
        "ss_network_alpha": str(alphas.pop()) if len(alphas) == 1 else "Dynamic",
    }
