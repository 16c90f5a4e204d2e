"""CLIP's byte-pair tokens, reduced to those that pocket's captions can hold."""

from __future__ import annotations

import gzip
import importlib.util
import re
from functools import cache
from pathlib import Path
from random import Random

import torch

from lora_trainer.pocket.grammar import words

START, END, CONTEXT = 49406, 49407, 77
SYLLABLES = ("b c d f g h j k l m n p r s t v w z bl br cr dr fl gl gr kl kr pl pr qu sk sn st tr vl zr".split(), "aeiou")
KNOWN_TO_CLIP = (
    "photo painting picture style drawing masterpiece sketch artwork render portrait cartoon detailed simple quality "
    "illustration person woman man dog cat house tree flower car monster toy bird fish glowing shiny ancient soft"
).split()


@cache
def _merges() -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Ranks of the merges and ids of the tokens, from the vocabulary file that open_clip_torch ships."""
    spec = importlib.util.find_spec("open_clip")  # found, never imported: it imports torchvision
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The package open_clip_torch, which carries CLIP's vocabulary, is not installed.")
    file = Path(next(iter(spec.submodule_search_locations))) / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")[1 : 49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    characters = [chr(code) for code in printable]
    characters += [chr(256 + i) for i in range(256 - len(printable))]
    tokens = [*characters, *(c + "</w>" for c in characters), *("".join(pair) for pair in merges)]
    ranks = {(pair[0], pair[1]): rank for rank, pair in enumerate(merges)}
    return ranks, {token: i for i, token in enumerate(tokens)}


@cache
def word_tokens(word: str) -> tuple[int, ...]:
    """Token ids of one word or punctuation mark of ASCII characters."""
    ranks, ids = _merges()
    parts = [*word[:-1], word[-1] + "</w>"]
    while len(parts) > 1:
        pairs = [(ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:]))]
        rank, i = min(pairs)
        if rank == 1 << 30:
            break
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return tuple(ids[part] for part in parts)


def tokenize(text: str) -> list[int]:
    """CLIP's 77 tokens of a caption: start, words, end, filled up with more ends."""
    ids = [i for word in re.findall(r"[a-z]+|[0-9]|[^\sa-z0-9]+", text.lower()) for i in word_tokens(word)]
    ids = [START, *ids[: CONTEXT - 2], END]
    return ids + [END] * (CONTEXT - len(ids))


@cache
def kept_tokens() -> tuple[int, ...]:
    """Tokens that get a row of their own: the grammar's words, and the short pieces of which made-up words consist."""
    _, ids = _merges()
    pieces = {i for token, i in ids.items() if re.fullmatch(r"([a-z]{1,3}|[^\sa-z]|[0-9])(</w>)?", token) and token.isascii()}
    said = {i for word in words() for i in word_tokens(word)}
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
        return rng.choice(KNOWN_TO_CLIP)
    onsets, vowels = SYLLABLES
    word = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(rng.randint(1, 3)))
    return word + rng.choice(("", "b", "g", "k", "l", "n", "r", "t", "x", "st", "nk"))
