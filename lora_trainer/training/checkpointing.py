"""Gradient checkpointing of a U-Net twin: recompute activations in place of keeping them (Chen et al. 2016).

diffusers' own switch is not used: its blocks recompute their residual layers and leave the transformers, which keep
most, to switches of their own, and the versions differ in when they obey.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

UNITS = ("ResnetBlock2D", "BasicTransformerBlock")
"""diffusers' modules whose inputs are kept, and nothing of what they compute."""


def checkpoint_blocks(unet: nn.Module, mode: str) -> int:
    """Let the units of the blocks that `mode` names be recomputed, and no others; returns how many.

    'off' names none, 'all' all; 'largest' the two whose activations are largest, those of the highest resolution: the
    first block down and the last one up.
    """
    blocks = list(_blocks(unet))
    chosen = {"off": [], "largest": [blocks[0], blocks[-1]], "all": blocks}[mode]
    for unit in _units(blocks):
        unit.__dict__.pop("forward", None)
    units = list(_units(chosen))
    for unit in units:
        unit.forward = partial(_recomputed, unit.forward)
    return len(units)


def _blocks(unet: Any) -> list[Any]:
    return [*unet.down_blocks, unet.mid_block, *unet.up_blocks]


def _units(blocks: list[Any]) -> Iterator[Any]:
    for block in blocks:
        yield from (module for module in block.modules() if type(module).__name__ in UNITS)


def _recomputed(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`forward` under torch's checkpoint, without saving random states: dropout here depends on the step alone."""
    import torch
    from torch.utils.checkpoint import checkpoint

    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)
