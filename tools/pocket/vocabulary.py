"""CLIP's byte-pair tokens, reduced to those that pocket's captions can hold."""

from __future__ import annotations

import re
from functools import cache
from random import Random

import torch

from lora_trainer.pocket.grammar import words
from lora_trainer.text.tokenizer import load_tokenizer
from lora_trainer.text.vocabulary import load_vocabulary

START, END, CONTEXT = 49406, 49407, 77
ONSETS = (*"bcdfghjklmnprstvwz", "bl", "br", "dr", "fl", "gl", "gr", "kl", "kr", "pl", "qu", "sk", "sn", "st", "zr")
KNOWN_TO_CLIP = """
photo painting picture style drawing masterpiece sketch artwork render portrait cartoon detailed simple quality
illustration person woman man dog cat house tree flower car monster toy bird fish glowing shiny ancient soft
"""


def tokenize(text: str) -> list[int]:
    """CLIP's 77 tokens of a caption: start, words, end, filled up with more ends."""
    ids = [START, *load_tokenizer().encode(text)[: CONTEXT - 2], END]
    return ids + [END] * (CONTEXT - len(ids))


@cache
def kept_tokens() -> tuple[int, ...]:
    """Tokens that get a row of their own: the grammar's words, and the short pieces of which made-up words consist."""
    short = re.compile(r"([a-z]{1,3}|[^\sa-z])(</w>)?")
    ids = load_vocabulary().ids
    pieces = {i for token, i in ids.items() if token.isascii() and short.fullmatch(token)}
    said = {i for word in words() for i in load_tokenizer().encode(word)}
    return tuple(sorted(pieces | said | {START, END}))


@cache
def _compact_ids() -> torch.Tensor:
    table = torch.zeros(49408, dtype=torch.long)
    table[torch.tensor(kept_tokens())] = torch.arange(1, len(kept_tokens()) + 1)
    return table


def compact(ids: torch.Tensor) -> torch.Tensor:
    """Row numbers in an embedding that holds the kept tokens only; 0 is the zero row of all others."""
    return _compact_ids()[ids]


def made_up_word(rng: Random) -> str:
    """A word that pocket shall not understand: of random syllables, or one that only the large CLIP knows."""
    if rng.random() < 0.3:
        return rng.choice(KNOWN_TO_CLIP.split())
    word = "".join(rng.choice(ONSETS) + rng.choice("aeiou") for _ in range(rng.randint(1, 3)))
    return word + rng.choice(("", "b", "g", "k", "l", "n", "r", "t", "x", "st", "nk"))
