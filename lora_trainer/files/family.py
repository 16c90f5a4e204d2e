"""Which family of bases a LoRA file is for, by what it says and by its keys and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .lora import LoraFile
from .module import Module

UNKNOWN = "unknown"
CONTEXT_FAMILIES = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
"""Width of the text that the U-Net attends to."""
ONLY_SDXL = re.compile(r"lora_te[12]_|lora_unet_(?:input_blocks_4_1_|\w+_transformer_blocks_[1-9]_)")
"""Two text encoders, its own U-Net names, and more than one transformer block at a place."""
OTHER_NETWORKS = re.compile(r"lora_unet_\w*(?:double|single|joint)_blocks_")
"""Flux, Stable Diffusion 3 and their kin, some of which have a 'te1' as well."""


def family_of(file: LoraFile) -> str:
    """sd1, sd2, sdxl or unknown: by keys and shapes, else by metadata."""
    family = family_of_modules(file.names, file.known)
    return family if family != UNKNOWN else family_of_metadata(file.metadata)


def family_of_metadata(metadata: Mapping[str, str]) -> str:
    """The family that the metadata state, as the hosts read them; 'unknown' without any."""
    version = metadata.get("ss_base_model_version", "").lower()
    architecture = metadata.get("modelspec.architecture", "").lower()
    if version.startswith("sdxl") or architecture.startswith("stable-diffusion-xl"):
        return "sdxl"
    if metadata.get("ss_v2") == "True" or version.startswith("sd_v2") or architecture.startswith("stable-diffusion-v2"):
        return "sd2"
    if version.startswith("sd_v1") or architecture.startswith("stable-diffusion-v1"):
        return "sd1"
    return UNKNOWN


def family_of_modules(names: list[str], modules: Mapping[str, Module]) -> str:
    """The family that kohya names and the shapes of `modules` tell; 'unknown' when they fit none."""
    if any(OTHER_NETWORKS.match(name) for name in names):
        return UNKNOWN
    if any(ONLY_SDXL.match(name) for name in names):
        return "sdxl"
    for name, module in modules.items():
        width = module.weight_shape[1]
        if name.startswith("lora_unet_") and name.endswith("_attn2_to_k") and width in CONTEXT_FAMILIES:
            return CONTEXT_FAMILIES[width]
    for name, module in modules.items():
        if name.startswith("lora_unet_") and name.endswith("_proj_in") and module.tells_kernels:
            return "sd1" if len(module.weight_shape) == 4 else "sd2"
    return _family_of_text(modules)


def _family_of_text(modules: Mapping[str, Module]) -> str:
    """SD2's text encoder is deeper and wider than SD1's."""
    if any("_encoder_layers_12_" in name for name in modules):
        return "sd2"
    widths = {module.weight_shape[1] for name, module in modules.items() if name.endswith("_self_attn_q_proj")}
    return CONTEXT_FAMILIES.get(widths.pop(), UNKNOWN) if len(widths) == 1 else UNKNOWN
