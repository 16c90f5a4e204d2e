"""Captions and prompts through the host's own text conditioning: its tokens, chunks, emphasis and layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ...twin.unet import SIZE_FEATURES
from ..base import Conditioning

CHUNK, ROWS = 75, 77
"""Tokens of a text in a chunk, and rows of the context that it makes."""
SIZES = 6
"""Numbers about a picture's size behind SDXL's pooled state."""


def encode(model: Any, texts: Sequence[str], clip_skip: int) -> Conditioning:
    """Texts in the host's prompt syntax, without tags of LoRAs; no gradients. Called under the host's lock."""
    from modules import devices

    with torch.no_grad(), devices.autocast(), _clip_skip(clip_skip):
        made = model.get_learned_conditioning(list(texts))
    if not isinstance(made, dict):
        return Conditioning(made)
    # SDXL's vector is the pooled state and then the sizes, which the trainer gives for each picture by itself.
    return Conditioning(made["crossattn"], made["vector"][:, : -SIZES * SIZE_FEATURES])


def cut(made: Conditioning, max_tokens: int) -> Conditioning:
    """Without what comes after `max_tokens`: the host encodes chunk by chunk, so that can be taken off afterwards."""
    return Conditioning(made.context[:, : max_tokens // CHUNK * ROWS], made.pooled)


@contextmanager
def _clip_skip(wanted: int) -> Iterator[None]:
    """The host's setting for the time of a call, past its callbacks, which write files and reload things."""
    from modules import shared

    values, name = shared.opts.data, "CLIP_stop_at_last_layers"
    had, before = name in values, values.get(name)
    values[name] = wanted
    try:
        yield
    finally:
        if had:
            values[name] = before
        else:
            del values[name]
