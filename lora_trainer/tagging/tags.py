"""A caption as tags between commas.

The page's `tags.js` does the same; tests/tagging/captions.json holds what both must agree on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_ESCAPED = re.compile(r"\\.")


def split(caption: str) -> list[str]:
    """The tags of a caption in their order, without empty ones; a sentence without commas is a single one.

    A group in parentheses, such as '(red hair, blue eyes:1.2)', is one tag; escaped parentheses, and faces such as
    ':(', group nothing.
    """
    parts = [part for part in (" ".join(part.split()) for part in caption.split(",")) if part]
    tags = []
    while parts:
        size = _group(parts)
        tags.append(", ".join(parts[:size]))
        parts = parts[size:]
    return tags


def joined(tags: Iterable[str]) -> str:
    """Tags as a caption."""
    return ", ".join(tag for tag in tags if tag)


def key(tag: str) -> str:
    """What tags are compared by: for a text encoder, 'Red Hair' and 'red hair' are the same."""
    return unicodedata.normalize("NFC", tag).lower()


def once(tags: Iterable[str]) -> list[str]:
    """Each tag where it first comes."""
    first: dict[str, str] = {}
    for tag in tags:
        first.setdefault(key(tag), tag)
    return list(first.values())


def _group(parts: Sequence[str]) -> int:
    """How many of the parts between commas, from the first on, are one tag."""
    depth = 0
    for size, part in enumerate(parts, 1):
        if not parts[0].startswith("("):
            break
        bare = _ESCAPED.sub("", part)
        depth += bare.count("(") - bare.count(")")
        if depth <= 0:
            return size if depth == 0 and bare.endswith(")") else 1
    return 1
