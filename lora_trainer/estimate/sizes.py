"""Bytes, as runs may count on them and as people read them. Knows no tensors."""

from __future__ import annotations

SHARE = 0.95
"""How much of the device a run may count on: a desktop draws on it as well."""


def gigabytes(count: float) -> str:
    """Bytes as GB (of 1024^3, as cards are sold), with one decimal."""
    return f"{count / 2**30:.1f}"
