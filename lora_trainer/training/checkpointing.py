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

    'off' names none, 'all' all; 'largest' as few as keep half of everything: the ones of the highest resolution in SD1
    and SD2, and those with ten transformers in a row in SDXL.
    """
    blocks = list(_blocks(unet))
    chosen = {"off": [], "largest": _largest(blocks), "all": [block for block, _ in blocks]}[mode]
    for unit in _units([block for block, _ in blocks]):
        unit.__dict__.pop("forward", None)
    units = list(_units(chosen))
    for unit in units:
        unit.forward = partial(_recomputed, unit.forward)
    return len(units)


def _blocks(unet: Any) -> Iterator[tuple[Any, int]]:
    """All blocks, each with its level: how often the picture was halved before it."""
    last = len(unet.down_blocks) - 1
    yield from zip(unet.down_blocks, range(last + 1))
    yield unet.mid_block, last
    yield from zip(unet.up_blocks, range(last, -1, -1))


def _largest(blocks: list[tuple[Any, int]]) -> list[Any]:
    """The blocks that keep most, until they keep half of all."""
    sizes = [(sum(_kept(unit) for unit in _units([block])) / 4**level, block) for block, level in blocks]
    sizes.sort(key=lambda pair: -pair[0])
    half, chosen, found = sum(size for size, _ in sizes) / 2, [], 0.0
    for size, block in sizes:
        if found >= half:
            break
        chosen.append(block)
        found += size
    return chosen


def _kept(unit: Any) -> int:
    """Numbers that a unit keeps for each place, about: a transformer keeps three times what the others do."""
    return 3 * unit.norm1.normalized_shape[0] if hasattr(unit, "attn1") else unit.out_channels


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
