"""What the other rooms learn of the pictures: plain, frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .marks import NO_MARKS, Marks

Size = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True)
class Problem:
    """Something wrong with a file. `left_out` tells what cannot be used from what is used all the same."""

    path: Path
    reason: str
    left_out: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Picture:
    """A picture that can be trained on.

    `name` is its path below its folder, with '/' on every system; `digest` the SHA-256 of the file's bytes; `size` is
    taken after the EXIF orientation, and `bucket` is the size it is trained at, both (height, width).
    `marks` is what was decided about it; a border that they cut off does not count in `size`.
    """

    path: Path
    name: str
    digest: str
    size: Size
    bucket: Size
    caption: str = ""
    repeats: int = 1
    weight: float = 1.0
    regularization: bool = False
    mask: Path | None = None
    marks: Marks = NO_MARKS


@dataclass(frozen=True)
class DataSet:
    """All usable pictures in their fixed order, and what was wrong with the others."""

    pictures: tuple[Picture, ...]
    problems: tuple[Problem, ...] = ()
