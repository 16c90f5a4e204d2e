"""Captions as words: trigger words in them and out of them, and whether they are tags."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..config import DataOptions


def trigger_words(data: DataOptions) -> tuple[str, ...]:
    """All trigger words of a run, that of the run first."""
    words = (data.trigger_word, *(folder.trigger_word for folder in data.folders))
    return tuple(dict.fromkeys(word for word in map(str.strip, words) if word))


def has_word(caption: str, word: str) -> bool:
    """Whether the caption holds it as a whole word, in whatever case."""
    return re.search(_whole(word), caption, re.IGNORECASE) is not None


def without_words(caption: str, words: Iterable[str]) -> str:
    """The caption without these words, and without the comma that one leaves behind."""
    for word in words:
        caption = re.sub(_whole(word), "", caption, flags=re.IGNORECASE)
    pieces = (" ".join(piece.split()) for piece in caption.split(","))
    return ", ".join(piece for piece in pieces if piece)


def looks_like_tags(caption: str) -> bool:
    """Several short pieces between commas."""
    pieces = [piece for piece in caption.split(",") if piece.strip()]
    return len(pieces) >= 3 and sum(len(piece.split()) for piece in pieces) < 4 * len(pieces)


def _whole(word: str) -> str:
    return rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])"
