"""How often tags stand in captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .tags import key, split


@dataclass(frozen=True)
class Count:
    """A tag in its most frequent spelling, and in how many captions it stands."""

    tag: str
    count: int


def counted(captions: Iterable[str]) -> list[Count]:
    """All tags, the most frequent first. Of captions that were chosen by a tag it tells what stands beside that."""
    spellings: dict[str, Counter[str]] = {}
    numbers: Counter[str] = Counter()
    for caption in captions:
        tags = {key(tag): tag for tag in split(caption)}
        numbers.update(tags.keys())
        for name, tag in tags.items():
            spellings.setdefault(name, Counter())[tag] += 1
    ordered = sorted(numbers, key=lambda name: (-numbers[name], name))
    return [Count(spellings[name].most_common(1)[0][0], numbers[name]) for name in ordered]
