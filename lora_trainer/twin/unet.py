"""The U-Net twin: a diffusers UNet2DConditionModel over the tensors of an original (ldm) U-Net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import packages
from ..errors import BaseModelError
from .adopt import adopt, on_meta
from .small_maps import use_products
from .sources import Source, reverse, shapes_of, sources
from .unet_keys import UNetLayout, layout_from_config, read_layout, unet_modules

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

HEAD_CHANNELS = 64
HEADS = 8
SIZE_FEATURES = 256
"""Width of each of SDXL's six size embeddings (original, crop and target, height and width)."""


def build_unet(
    tensors: Mapping[str, Tensor],
    *,
    heads: int | Sequence[int] | None = None,
    head_channels: int | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> nn.Module:
    """The twin of the U-Net with these tensors (original names without prefix: `input_blocks.0.0.weight`, ...).

    `heads` is the number of attention heads, for all levels or level by level; `head_channels` the width of one.
    Neither can be read from shapes: ask the host (`live_heads`) or the yaml. Without both, 8 heads when proj_in is a
    convolution, else heads of 64 channels. Memory, dtype and errors as in `adopt`.
    """
    layout = read_layout(shapes_of(tensors))
    twin = meta_unet(layout, heads=heads, head_channels=head_channels)
    keys = unet_sources(twin)
    return use_products(adopt(twin, keys, tensors, name="U-Net", dtype=dtype, device=device))


def unet_sources(twin: nn.Module) -> dict[str, Source]:
    """{the twin's key: where its tensor is in a U-Net of the original layout}, of a twin without adapters."""
    config: Any = twin.config
    return sources(twin.state_dict(), reverse(unet_modules(layout_from_config(config))))


def meta_unet(
    layout: UNetLayout, *, heads: int | Sequence[int] | None = None, head_channels: int | None = None
) -> nn.Module:
    """A UNet2DConditionModel of this layout on `meta`. Raises BaseModelError when diffusers cannot build such a one."""
    diffusers: Any = packages.diffusers()
    if layout.depths[-1] not in (0, layout.mid_depth):
        raise BaseModelError(
            f"The U-Net's middle block has {layout.mid_depth} transformer blocks, its last level {layout.depths[-1]}; "
            "such pruned bases are not supported. Choose SD1, SD2 or SDXL."
        )
    arguments = unet_arguments(layout, heads=heads, head_channels=head_channels)
    return on_meta(lambda: diffusers.UNet2DConditionModel(**arguments))


def unet_arguments(
    layout: UNetLayout, *, heads: int | Sequence[int] | None = None, head_channels: int | None = None
) -> dict[str, Any]:
    """Arguments of UNet2DConditionModel for this layout; also what its `config.json` has to say."""
    attends = ["CrossAttn" if depth else "" for depth in layout.depths]
    arguments: dict[str, Any] = {
        "sample_size": 128 if layout.label else 64,
        "in_channels": layout.in_channels,
        "out_channels": layout.out_channels,
        "block_out_channels": layout.channels,
        "layers_per_block": layout.resnets,
        "down_block_types": tuple(f"{attention}DownBlock2D" for attention in attends),
        "up_block_types": tuple(f"{attention}UpBlock2D" for attention in reversed(attends)),
        "transformer_layers_per_block": (*(depth or 1 for depth in layout.depths[:-1]), layout.mid_depth),
        "cross_attention_dim": layout.context,
        "use_linear_projection": layout.linear_projection,
        # diffusers' name of old: it means the number of heads
        "attention_head_dim": head_counts(layout, heads, head_channels),
    }
    if layout.label:
        arguments["addition_embed_type"] = "text_time"
        arguments["addition_time_embed_dim"] = SIZE_FEATURES
        arguments["projection_class_embeddings_input_dim"] = layout.label
    return arguments


def head_counts(
    layout: UNetLayout, heads: int | Sequence[int] | None = None, head_channels: int | None = None
) -> tuple[int, ...]:
    """Attention heads of every level. Raises BaseModelError when a level's channels cannot be shared out among them."""
    if heads is None and head_channels is None:
        heads, head_channels = (None, HEAD_CHANNELS) if layout.linear_projection else (HEADS, None)
    if heads is None:
        counts = tuple(max(1, channels // (head_channels or HEAD_CHANNELS)) for channels in layout.channels)
    else:
        counts = (heads,) * layout.levels if isinstance(heads, int) else tuple(heads)
    if len(counts) != layout.levels or any(width % count for width, count in zip(layout.channels, counts)):
        raise BaseModelError(
            f"Levels of {layout.channels} channels cannot be shared out among {counts} attention heads. "
            "Correct num_heads or num_head_channels in the yaml beside the checkpoint."
        )
    return counts


def live_heads(unet: nn.Module) -> tuple[int, ...]:
    """Heads of every level of a host's live U-Net of the original layout, from its attention modules' own `heads`."""
    layout = read_layout(shapes_of(dict(unet.named_parameters())))
    return tuple(_live_heads(unet, layout, level) for level in range(layout.levels))


def _live_heads(unet: nn.Module, layout: UNetLayout, level: int) -> int:
    if layout.depths[level]:
        block = f"input_blocks.{1 + level * (layout.resnets + 1)}"
    elif level == layout.levels - 1:
        block = "middle_block"  # diffusers gives it the last level's number
    else:
        return 1  # never used; it divides whatever width the level has
    attention: Any = unet.get_submodule(f"{block}.1.transformer_blocks.0.attn1")
    return int(attention.heads)
