"""A LoRA file under other key names or in another dtype."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from ..errors import FileFormatError, UserError
from ..files.family import family_of
from ..files.lora import LoraModule
from ..files.module import Module
from ..files.read import read_lora
from ..files.unet_names import LAYOUTS, renumbered, unet_paths
from ..files.write import write_lora, write_tensors
from ..lowrank import as_module
from .common import dtype_name, family_metadata

Style = Literal["kohya", "diffusers"]
Blocks = Literal["original", "diffusers"]
TEXT = re.compile(
    r"(?P<prefix>lora_te[12]?)_text_model_encoder_layers_(?P<layer>\d+)_(?P<group>self_attn|mlp)_(?P<leaf>\w+)"
)
ENCODERS = {"lora_te": "text_encoder", "lora_te1": "text_encoder", "lora_te2": "text_encoder_2"}


@dataclass(frozen=True)
class ConvertedLora:
    """A converted LoRA file."""

    path: Path
    sha256: str
    modules: int
    style_before: str


def convert_lora(
    source: Path, output: Path, *, style: Style = "kohya", blocks: Blocks | None = None, dtype: str | None = None
) -> ConvertedLora:
    """Write `source`, of any key style, in kohya's or diffusers' (PEFT's) style.

    `blocks`: the numbering of U-Net blocks in kohya's style; by default as kohya has it, which is the original for SDXL
    and diffusers' for SD1 and SD2. `dtype`: fp16, bf16 or fp32; that of `source` by default. Diffusers' style is for
    LoRA and LoCon alone and knows no alpha: the scale goes into the matrices. Raises FileFormatError for what cannot be
    named in the new style.
    """
    file = read_lora(source)
    family = family_of(file)
    metadata = {**family_metadata(family), **file.metadata}
    dtype = dtype or dtype_name(file.dtype)
    if style == "kohya":
        modules = _with_blocks(file.usable("convert"), family, blocks)
        written = write_lora(output, modules, metadata, dtype)
        return ConvertedLora(output, written.sha256, written.modules, file.style)
    if blocks == "original":
        raise UserError("Diffusers' style always has diffusers' numbering of blocks; leave `blocks` out.")
    file.require_plain("convert to diffusers' style")
    tensors = _diffusers_tensors(file.modules, family, source)
    written = write_tensors(output, tensors, metadata, dtype, len(file.modules))
    return ConvertedLora(output, written.sha256, written.modules, file.style)


def _with_blocks(modules: Mapping[str, Module], family: str, blocks: Blocks | None) -> dict[str, Module]:
    if blocks is None:
        return dict(modules)
    if family not in LAYOUTS:
        raise UserError("The file does not tell which base it is for, so its U-Net blocks cannot be renumbered.")
    table = renumbered(family, blocks == "original")
    return {table.get(name, name): module for name, module in modules.items()}


def _diffusers_tensors(modules: Mapping[str, LoraModule], family: str, source: Path) -> dict[str, torch.Tensor]:
    """Keys as diffusers saves them: 'unet.down_blocks.0....to_q.lora_A.weight' and lora_B."""
    tensors = {}
    for name, module in modules.items():
        path = dotted(name, family)
        if path is None:
            raise FileFormatError(f"'{source}' holds '{name}', which has no name in diffusers' style.")
        baked = _scale_baked_in(module)
        tensors[f"{path}.lora_A.weight"] = baked.down
        tensors[f"{path}.lora_B.weight"] = baked.up
    return tensors


def dotted(name: str, family: str) -> str | None:
    """Where a module lies in diffusers' pipeline, e.g. 'unet.mid_block....to_q'; None when it is of no known part."""
    if found := TEXT.fullmatch(name):
        layer = f"text_model.encoder.layers.{found['layer']}.{found['group']}.{found['leaf']}"
        return f"{ENCODERS[found['prefix']]}.{layer}"
    path = unet_paths(family if family in LAYOUTS else "sd1").get(name)
    return None if path is None else f"unet.{path}"


def _scale_baked_in(module: LoraModule) -> LoraModule:
    """The same change with alpha = rank and without a middle kernel."""
    if module.mid is not None:
        up, down = module.matrices()
        module = as_module(up, down, module.weight_shape, module.alpha)
    return replace(module, up=module.up.float() * module.scale, alpha=float(module.rank))
