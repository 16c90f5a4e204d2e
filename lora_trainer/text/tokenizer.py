"""CLIP's tokenizer: words to byte-pair tokens (Radford et al. 2021; Sennrich et al. 2016).

A WebUI has two of them with one vocabulary: transformers' CLIPTokenizer for SD1 and SDXL's first encoder, open_clip's
SimpleTokenizer for SD2 and SDXL's second. They differ in HTML entities and in how special tokens are spelled; both
flavours are here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from .clean import clean
from .vocabulary import Vocabulary, byte_letters, load_vocabulary

CONTRACTIONS = re.compile("'(?:s|t|re|ve|m|ll|d)")


@dataclass(frozen=True)
class Flavour:
    """What distinguishes the two tokenizers: the spelling of their special tokens, and HTML entities."""

    start: str
    end: str
    unescape: bool


TRANSFORMERS = Flavour("<|startoftext|>", "<|endoftext|>", unescape=False)
OPEN_CLIP = Flavour("<start_of_text>", "<end_of_text>", unescape=True)


class Tokenizer:
    """Token numbers of a text, without start, end or padding. Words are remembered once they are encoded."""

    def __init__(self, vocabulary: Vocabulary, flavour: Flavour) -> None:
        self.vocabulary = vocabulary
        self.flavour = flavour
        self.start, self.end = vocabulary.start, vocabulary.end
        self.comma = vocabulary.ids[",</w>"]
        self._special = {flavour.start: self.start, flavour.end: self.end}
        self._known: dict[str, list[int]] = {}

    def encode(self, text: str) -> list[int]:
        """The tokens of `text`, of any length."""
        cleaned = clean(text, unescape=self.flavour.unescape)
        return [number for word in split_words(cleaned, tuple(self._special)) for number in self._word(word)]

    def _word(self, word: str) -> list[int]:
        if word in self._special:
            return [self._special[word]]
        if word not in self._known:
            self._known[word] = [self.vocabulary.ids[spelling] for spelling in merge(word, self.vocabulary.ranks)]
        return self._known[word]


@lru_cache(maxsize=8)
def load_tokenizer(flavour: Flavour = TRANSFORMERS, path: Path | None = None) -> Tokenizer:
    """The tokenizer of this flavour over the installed vocabulary. Raises UserError when there is none."""
    return Tokenizer(load_vocabulary(path), flavour)


def merge(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """The byte-pair spellings of one word: the neighbours that were merged first in training are joined first."""
    letters = byte_letters()
    parts = [letters[byte] for byte in word.encode("utf-8")]
    parts[-1] += "</w>"
    while len(parts) > 1:
        first, second = min(pairwise(parts), key=lambda pair: ranks.get(pair, len(ranks)))
        if (first, second) not in ranks:
            break
        parts = _joined(parts, first, second)
    return parts


def _joined(parts: list[str], first: str, second: str) -> list[str]:
    """`parts` with every neighbouring `first` and `second` made one, from left to right."""
    joined: list[str] = []
    for part in parts:
        if part == second and joined and joined[-1] == first:
            joined[-1] = first + second
        else:
            joined.append(part)
    return joined


def split_words(text: str, special: tuple[str, ...] = ()) -> Iterator[str]:
    """Pieces that are encoded singly: special tokens, English contractions, runs of letters, single digits, other runs.

    Letters and digits are Unicode's categories L and N, as in the tokenizers' own pattern.
    """
    at = 0
    while at < len(text):
        end = _piece_end(text, at, special)
        if not text[at].isspace():
            yield text[at:end]
        at = end


def _piece_end(text: str, at: int, special: tuple[str, ...]) -> int:
    for token in special:
        if text.startswith(token, at):
            return at + len(token)
    contraction = CONTRACTIONS.match(text, at)
    if contraction:
        return contraction.end()
    kind, end = _kind(text[at]), at + 1
    if kind in "N ":
        return end
    while end < len(text) and _kind(text[end]) == kind:
        end += 1
    return end


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    """L for a letter, N for a digit or number, a space for white space, * for the rest."""
    if character.isspace():
        return " "
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "*"
