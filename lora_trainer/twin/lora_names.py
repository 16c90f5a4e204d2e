"""Which modules a LoRA goes into (kohya's targets), and what they are called in its file (kohya's names).

SD1 and SD2 name the U-Net's modules as diffusers does, SDXL as the original does; text encoders keep the names of
Hugging Face.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .unet_keys import UNetLayout, unet_modules

UNET_PREFIX = "lora_unet"
LINEAR, CONV1, CONV3 = "linear", "conv1", "conv3"
ATTENTION_LEAVES = ("to_q", "to_k", "to_v", "to_out.0")
TEXT_ATTENTION = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj")
TEXT_MLP = ("mlp.fc1", "mlp.fc2")
CONVOLUTIONS = {"conv1": CONV3, "conv2": CONV3, "conv": CONV3, "conv_shortcut": CONV1, "time_emb_proj": LINEAR}
"""What kohya's conv option adds of ResnetBlock2D, Downsample2D and Upsample2D; only `conv3` has the conv rank."""


@dataclass(frozen=True)
class Target:
    """A module that a LoRA can go into.

    part: 'unet', 'text_encoder' or 'text_encoder_2'; path: its place in the twin; kind: 'linear', 'conv1' (1x1) or
    'conv3'; block: 'down.0' ..., 'mid', 'up.0' ..., 'text.0' ... (both text encoders count from text.0).
    """

    part: str
    path: str
    lora_name: str
    kind: str
    block: str


def unet_targets(
    layout: UNetLayout, *, original_names: bool, attention_only: bool = False, conv: bool = False
) -> list[Target]:
    """Targets in a U-Net of this layout, as kohya chooses them: 192 for SD1 and SD2, 722 for SDXL by default.

    `original_names`: SDXL's way of naming. `conv` adds the residual blocks and the changes of resolution.
    """
    targets = []
    for original, path in unet_modules(layout).items():
        kind = _unet_kind(path, layout, attention_only, conv)
        if kind:
            targets.append(
                Target("unet", path, lora_name(UNET_PREFIX, original if original_names else path), kind, block_of(path))
            )
    return targets


def _unet_kind(path: str, layout: UNetLayout, attention_only: bool, conv: bool) -> str:
    """The kind of the module at this path of the twin; empty when no LoRA goes there."""
    leaf = path.rpartition(".")[2]
    if ".attentions." in path:
        if path.endswith(ATTENTION_LEAVES):
            return LINEAR
        if attention_only or "norm" in leaf:
            return ""
        return CONV1 if leaf in ("proj_in", "proj_out") and not layout.linear_projection else LINEAR
    if conv and (".resnets." in path or "samplers." in path):
        return CONVOLUTIONS.get(leaf, "")
    return ""


def text_targets(
    layers: int, *, part: str, lora_prefix: str, path_prefix: str, attention_only: bool = False
) -> list[Target]:
    """Targets in the first `layers` layers of a text encoder: 6 in each (72 for CLIP-L, 192 for bigG).

    `lora_prefix`: 'lora_te', 'lora_te1' or 'lora_te2'. `path_prefix`: where the twin keeps its layers, from
    `twin.text.path_prefix`; it depends on the version of transformers, the names do not.
    """
    leaves = TEXT_ATTENTION if attention_only else (*TEXT_ATTENTION, *TEXT_MLP)
    return [
        Target(
            part=part,
            path=f"{path_prefix}encoder.layers.{layer}.{leaf}",
            lora_name=lora_name(lora_prefix, f"text_model.encoder.layers.{layer}.{leaf}"),
            kind=LINEAR,
            block=f"text.{layer}",
        )
        for layer in range(layers)
        for leaf in leaves
    ]


def lora_name(prefix: str, path: str) -> str:
    """A module's name in a LoRA file: dots become underscores (which cannot be undone without a table)."""
    return f"{prefix}_{path.replace('.', '_')}"


def by_lora_name(targets: Iterable[Target]) -> dict[str, Target]:
    """The way back: {name in a LoRA file: target}."""
    return {target.lora_name: target for target in targets}


def block_of(path: str) -> str:
    """The block of a module of the U-Net twin: 'down.1' for 'down_blocks.1.attentions.0...', 'mid', 'up.2'."""
    first, number = path.split(".")[:2]
    return {"down_blocks": f"down.{number}", "up_blocks": f"up.{number}"}.get(first, "mid")


def in_block(block: str, name: str) -> bool:
    """Whether `block` ('down.1') is meant by a name that a user gives: itself, or what it is part of ('down')."""
    return block == name or block.startswith(f"{name}.")
