"""What becomes of a caption that is there already, and of the trigger word."""

from __future__ import annotations

from ..data.captions import with_trigger

KEEP, REPLACE, APPEND, PREPEND = MODES = ("keep", "replace", "append", "prepend")


def combined(before: str, new: str, mode: str, trigger: str = "") -> str:
    """The caption to write, where `new` is not empty. Appended and prepended, no tag stands in it twice."""
    if mode == APPEND:
        new = _joined(before, new)
    elif mode == PREPEND:
        new = _joined(new, before)
    return with_trigger(new, trigger.strip())


def _joined(first: str, second: str) -> str:
    """Both as one list of parts between commas, each part where it first comes, whatever its case."""
    parts = [part.strip() for text in (first, second) for part in text.split(",")]
    seen: dict[str, str] = {}
    for part in parts:
        seen.setdefault(part.casefold(), part)
    return ", ".join(part for part in seen.values() if part)
