"""Captions and prompts as token tensors, one pair for each text encoder of a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from .chunks import LENGTH, Chunk
from .layout import TEXT_LAYOUTS
from .length import chunker_of
from .prompt import Run, drawn_text, parse


@dataclass(frozen=True)
class TextTokens:
    """n texts for every encoder: `ids` int64 and `weights` fp32, each (n, chunks, 77), on the CPU."""

    ids: tuple[torch.Tensor, ...]
    weights: tuple[torch.Tensor, ...]

    def __len__(self) -> int:
        return len(self.ids[0])

    def __getitem__(self, rows: slice | Sequence[int]) -> TextTokens:
        return TextTokens(tuple(part[rows] for part in self.ids), tuple(part[rows] for part in self.weights))


def tokenize_captions(
    family: str, captions: Sequence[str], *, max_tokens: int = LENGTH, fill: bool = False
) -> TextTokens:
    """Captions taken literally, cut off after `max_tokens` (a multiple of 75).

    All get as many chunks as the longest of them; with `fill`, as many as `max_tokens` allows.
    """
    limit = max_tokens // LENGTH
    return _tokenize(family, [[Run(caption)] for caption in captions], most=limit, least=limit if fill else 1)


def tokenize_prompts(family: str, prompts: Sequence[str]) -> TextTokens:
    """Prompts with the host's emphasis syntax, of any length; all get as many chunks as the longest of them."""
    return _tokenize(family, [parse(drawn_text(prompt)) for prompt in prompts])


def _tokenize(family: str, texts: Sequence[list[Run]], *, most: int | None = None, least: int = 1) -> TextTokens:
    """Each text's chunks for each encoder, filled up to one number with the chunk of an empty text."""
    chunkers = [chunker_of(encoder) for encoder in TEXT_LAYOUTS.get(family).encoders]
    chunked = [[chunker.chunks(runs)[:most] for runs in texts] for chunker in chunkers]
    count = max([least, *(len(chunks) for rows in chunked for chunks in rows)])
    filled = [
        [chunks + [chunker.empty()] * (count - len(chunks)) for chunks in rows]
        for chunker, rows in zip(chunkers, chunked)
    ]
    return TextTokens(tuple(map(_ids, filled)), tuple(map(_weights, filled)))


def _ids(rows: list[list[Chunk]]) -> torch.Tensor:
    return torch.tensor([[chunk.tokens for chunk in chunks] for chunks in rows], dtype=torch.int64)


def _weights(rows: list[list[Chunk]]) -> torch.Tensor:
    return torch.tensor([[chunk.weights for chunk in chunks] for chunks in rows], dtype=torch.float32)
