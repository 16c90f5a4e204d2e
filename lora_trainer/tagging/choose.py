"""Which captions something is to be done to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .tags import key, split


@dataclass(frozen=True)
class Choice:
    """Captions that hold `every` of these tags, one of `some`, and `none` of these; whose text holds `text`.

    `missing`: only pictures without a caption. What is empty leaves out nothing; upper and lower case are the same.
    """

    every: tuple[str, ...] = ()
    some: tuple[str, ...] = ()
    none: tuple[str, ...] = ()
    text: str = ""
    missing: bool = False

    def matches(self, caption: str) -> bool:
        tags = {key(tag) for tag in split(caption)}
        return (
            all(key(tag) in tags for tag in self.every)
            and (not self.some or any(key(tag) in tags for tag in self.some))
            and not any(key(tag) in tags for tag in self.none)
            and key(self.text.strip()) in key(caption)
            and not (self.missing and caption.strip())
        )

    def of(self, captions: Mapping[str, str]) -> list[str]:
        """The names of the captions that match, in their order."""
        return [name for name, caption in captions.items() if self.matches(caption)]
