"""Order and choice by chance, for a plan that is made without torch.

A stream is named by its purpose and is private: no global state is read or moved. Only `Random.random` is used, whose
sequence Python promises to keep between versions (shuffle and randrange have changed before).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stream(*purpose: object) -> Random:
    """A generator of its own for a purpose, such as ('order', epoch); the same on every machine."""
    return Random("/".join(map(str, purpose)))


def below(end: int, chance: Random) -> int:
    """A whole number from 0 until before `end`."""
    return int(chance.random() * end)


def shuffled(items: Sequence[T], chance: Random) -> list[T]:
    """The items in random order."""
    keys = [chance.random() for _ in items]
    return [items[place] for place in sorted(range(len(items)), key=keys.__getitem__)]
