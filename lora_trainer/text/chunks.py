"""Chunks: texts of any length as rows of 77 tokens, cut where the WebUI cuts them (A1111 v1.10).

A chunk is the start token, 75 tokens, the end token. A full chunk is cut after its last comma when that is near, so
that a phrase is not torn; short chunks are filled up with end tokens, of which open_clip's models see all but the first
as 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .prompt import BREAK, Run
from .tokenizer import Tokenizer

LENGTH = 75
NEAR_COMMA = 20
"""How many tokens after a comma still move to the next chunk with it (the host's default)."""


class Chunk(NamedTuple):
    """77 token numbers and their weights."""

    tokens: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass
class Chunker:
    """Cuts tokens into chunks. `pad` replaces every token after the first end token."""

    tokenizer: Tokenizer
    pad: int
    _chunks: list[Chunk] = field(default_factory=list, init=False)
    _open: list[tuple[int, float]] = field(default_factory=list, init=False)
    _comma: int = field(default=-1, init=False)

    def chunks(self, runs: Iterable[Run]) -> list[Chunk]:
        """The chunks of a prompt; at least one."""
        self._chunks, self._open, self._comma = [], [], -1
        for run in runs:
            if run == BREAK:
                self._close()
                continue
            for token in self.tokenizer.encode(run.text):
                self._add(token, run.weight)
        if self._open or not self._chunks:
            self._close()
        return self._chunks

    def empty(self) -> Chunk:
        """The chunk of an empty text, with which shorter texts are filled up beside longer ones."""
        return self._chunk([])

    def _add(self, token: int, weight: float) -> None:
        if token == self.tokenizer.comma:
            self._comma = len(self._open)
        elif len(self._open) == LENGTH and self._comma >= LENGTH - NEAR_COMMA:
            self._close(keep_after=self._comma + 1)
        if len(self._open) == LENGTH:
            self._close()
        self._open.append((token, weight))

    def _close(self, keep_after: int = LENGTH) -> None:
        """End the open chunk; what lies behind `keep_after` opens the next one."""
        self._chunks.append(self._chunk(self._open[:keep_after]))
        self._open = self._open[keep_after:]
        self._comma = -1

    def _chunk(self, inner: Sequence[tuple[int, float]]) -> Chunk:
        start, end = self.tokenizer.start, self.tokenizer.end
        filling = LENGTH - len(inner) + 1
        tokens = [start, *(token for token, _ in inner), *[end] * filling]
        first_end = tokens.index(end)
        tokens[first_end + 1 :] = [token if self.pad == end else self.pad for token in tokens[first_end + 1 :]]
        return Chunk(tuple(tokens), (1.0, *(weight for _, weight in inner), *[1.0] * filling))
