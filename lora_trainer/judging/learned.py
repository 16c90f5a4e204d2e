"""The pictures that were learned from, as a judge looks at them: turned and without borders, as the run saw them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import DataOptions, Folder
from ..data.marks import Marks, MarksBook
from ..data.walk import find_files
from ..errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 200
"""More pictures say no more of what they have in common."""
SIDE = 768
"""Pixels of the longer side at which a picture is looked at: more than models want, and little beside photographs."""


@dataclass(frozen=True)
class Learned:
    """A picture of the data set, and what was decided about it."""

    path: Path
    marks: Marks

    @cached_property
    def identity(self) -> list[object]:
        """Plain values that are the same for the same file shown in the same way; empty for one that is gone."""
        try:
            return [hashlib.sha256(self.path.read_bytes()).hexdigest(), *map(str, self.marks.shown)]
        except OSError:
            return []

    def read(self) -> Image | None:
        """The picture in RGB, made smaller; None for one that cannot be read, which the run left out as well."""
        from ..data.framing import without_border
        from ..data.pictures import glance

        try:
            _, upright = glance(self.path, SIDE * SIDE, self.marks.orientation)
        except DataError:
            return None
        image = without_border(upright.rgb, self.marks)
        image.thumbnail((SIDE, SIDE))
        return image


def learned_pictures(data: DataOptions, most: int = MOST) -> list[Learned]:
    """The pictures in the folders of a run, evenly chosen where there are more than `most`.

    Excluded ones and those for regularization are left out. None where the folders are gone.
    """
    wanted = [folder for folder in data.folders if not folder.regularization]
    try:
        files = find_files(wanted, [])
    except DataError:
        return []
    book = MarksBook()
    found = [Learned(file.path, marks) for file in files if not (marks := book(file.path)).excluded]
    step = max(1, -(-len(found) // most))
    return found[::step]


def pictures_in(folder: Path) -> list[Learned]:
    """The pictures of one folder and those below it."""
    return learned_pictures(DataOptions(folders=[Folder(str(folder))]))
