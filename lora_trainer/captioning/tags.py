"""Tags as picture boards write them, and as captions do."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]{2}")


def readable(tag: str) -> str:
    """'long_hair' as 'long hair'. Faces such as '>_<' and 'o_o' keep what they are drawn with."""
    return tag.replace("_", " ") if _WORD.search(tag) else tag
