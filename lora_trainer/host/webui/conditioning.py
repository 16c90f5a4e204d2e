"""Captions and prompts through the host's own text conditioning: its tokens, chunks, emphasis and layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ...text.prompt import drawn_text, escape
from ...twin.unet import SIZE_FEATURES
from ..base import Conditioning

CHUNK, ROWS = 75, 77
"""Tokens of a text in a chunk, and rows of the context that it makes."""
SIZES = 6
"""Numbers about a picture's size behind SDXL's pooled state."""


def encode_captions(model: Any, captions: Sequence[str], *, clip_skip: int, max_tokens: int) -> Conditioning:
    """Captions taken literally, each cut off after `max_tokens`; no gradients. Called under the host's lock.

    The host encodes chunk by chunk, so what is beyond the limit can be cut off afterwards.
    """
    made = _encode(model, [escape(caption) for caption in captions], clip_skip)
    return Conditioning(made.context[:, : max_tokens // CHUNK * ROWS], made.pooled)


def encode_prompts(model: Any, prompts: Sequence[str], *, clip_skip: int) -> Conditioning:
    """Prompts with the host's emphasis, without tags of LoRAs; no gradients. Called under the host's lock."""
    return _encode(model, [drawn_text(prompt) for prompt in prompts], clip_skip)


def _encode(model: Any, texts: list[str], clip_skip: int) -> Conditioning:
    from modules import devices

    with torch.no_grad(), devices.autocast(), _clip_skip(clip_skip):
        made = model.get_learned_conditioning(texts)
    if not isinstance(made, dict):
        return Conditioning(made)
    # SDXL's vector is the pooled state and then the sizes, which the trainer gives for each picture by itself.
    return Conditioning(made["crossattn"], made["vector"][:, : -SIZES * SIZE_FEATURES])


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
