"""CLIP's byte-pair vocabulary: where the file lies, and what it holds.

The file is OpenAI's `bpe_simple_vocab_16e6.txt.gz`. open_clip_torch ships it (so does OpenAI's clip package), and a
WebUI has at least one of the two. Neither is imported: open_clip needs torchvision, which not every machine can load.
"""

from __future__ import annotations

import gzip
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import UserError

VOCABULARY_FILE = "bpe_simple_vocab_16e6.txt.gz"
PACKAGES = ("open_clip", "clip")
MERGES = 49152 - 256 - 2
"""Merges that CLIP uses: its 49,408 tokens less 2 x 256 bytes and 2 special ones. The file holds more."""


@dataclass(frozen=True)
class Vocabulary:
    """`ids` maps a token's spelling to its number, `ranks` a pair of spellings to its place among the merges."""

    ids: dict[str, int]
    ranks: dict[tuple[str, str], int]
    start: int
    end: int


def vocabulary_file() -> Path:
    """The vocabulary file among the installed packages. Raises UserError when there is none."""
    for package in PACKAGES:
        for folder in _folders(package):
            if (folder / VOCABULARY_FILE).is_file():
                return folder / VOCABULARY_FILE
    raise UserError(
        f"The vocabulary of the text encoder ({VOCABULARY_FILE}) was not found; it comes with the package "
        "open_clip_torch. Install it with 'pip install --no-deps open_clip_torch'."
    )


def _folders(package: str) -> list[Path]:
    """Folders of an installed package, found without importing it."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: something put a module without a spec into sys.modules
        return []
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []


def read_merges(path: Path) -> list[tuple[str, str]]:
    """CLIP's merges in their order, from the packed file or from a tokenizer folder's `merges.txt`."""
    try:
        packed = path.read_bytes()
        text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(
            f"The vocabulary file {path} cannot be read ({error}). Install open_clip_torch again."
        ) from error
    pairs = [tuple(line.split()) for line in text.split("\n")[1 : MERGES + 1]]
    if len(pairs) != MERGES or any(len(pair) != 2 for pair in pairs):
        raise UserError(f"The vocabulary file {path} is not CLIP's: it must hold {MERGES} merges after its first line.")
    return [(first, second) for first, second in pairs]


@lru_cache(maxsize=4)
def load_vocabulary(path: Path | None = None) -> Vocabulary:
    """The vocabulary at `path`, or the one of the installed packages. Raises UserError when there is none."""
    merges = read_merges(path or vocabulary_file())
    letters = list(byte_letters().values())
    spellings = [*letters, *(letter + "</w>" for letter in letters), *(first + second for first, second in merges)]
    ids = {spelling: number for number, spelling in enumerate(spellings)}
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    return Vocabulary(ids, ranks, start=len(spellings), end=len(spellings) + 1)


@lru_cache(maxsize=1)
def byte_letters() -> dict[int, str]:
    """A printable letter for each of the 256 bytes, in the order of CLIP's first 256 tokens.

    Bytes that print as themselves in Latin-1 stand for themselves; the others get the letters from U+0100 on (GPT-2).
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    return letters | {byte: chr(256 + number) for number, byte in enumerate(hidden)}
