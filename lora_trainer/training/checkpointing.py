"""Gradient checkpointing of a U-Net twin: recompute activations in place of keeping them (Chen et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def checkpoint_blocks(unet: nn.Module, mode: str) -> int:
    """Checkpoint the blocks that `mode` ('off', 'largest', 'all') names, and return how many.

    The largest activations are those of the highest resolution: the first block down and the last one up.
    """
    blocks = list(_blocks(unet)) if mode != "off" else []
    if mode == "largest":
        blocks = [blocks[0], blocks[-1]]
    for block in blocks:
        block.gradient_checkpointing = True
        block._gradient_checkpointing_func = _recompute()
        # Before 0.32, diffusers recomputes only in blocks that are set to training. The flag of the block alone is
        # set, not its children's: nothing but this check reads it.
        block.training = True
    return len(blocks)


def _blocks(unet: nn.Module) -> Iterator[Any]:
    yield from unet.down_blocks
    yield unet.mid_block
    yield from unet.up_blocks


def _recompute() -> Callable[..., Any]:
    """torch's checkpoint without saving random states: dropout here depends on the step, not on what was drawn."""
    from torch.utils.checkpoint import checkpoint

    return partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
