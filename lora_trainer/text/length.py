"""How long captions are: what of them lies beyond the limit. Without tensors, so that it is at hand at once."""

from __future__ import annotations

from collections.abc import Iterable

from .chunks import LENGTH, Chunker
from .layout import TEXT_LAYOUTS, EncoderLayout
from .prompt import Run
from .tokenizer import load_tokenizer


def chunker_of(layout: EncoderLayout) -> Chunker:
    """Cuts texts for this encoder. Raises UserError when there is no vocabulary."""
    tokenizer = load_tokenizer(layout.flavour)
    return Chunker(tokenizer, tokenizer.end if layout.pad is None else layout.pad)


def tokens_cut_off(family: str, captions: Iterable[str], max_tokens: int) -> dict[str, int]:
    """How many tokens of each caption `tokenize_captions` leaves out, for those of which it leaves out any.

    Where the encoders of a family count differently, the one that loses most.
    """
    lost = {}
    for caption in dict.fromkeys(captions):
        if len(caption.encode("utf-8")) <= max_tokens:  # a token is a byte at the least
            continue
        if missing := max(_cut_off(encoder, caption, max_tokens) for encoder in TEXT_LAYOUTS.get(family).encoders):
            lost[caption] = missing
    return lost


def _cut_off(encoder: EncoderLayout, caption: str, max_tokens: int) -> int:
    chunker = chunker_of(encoder)
    beyond = chunker.chunks([Run(caption)])[max_tokens // LENGTH :]
    return sum(chunk.tokens.index(chunker.tokenizer.end) - 1 for chunk in beyond)
