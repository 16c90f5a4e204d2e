"""Which files there are: the pictures below the data folders, in the same order on every system."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Folder
from ..errors import DataError
from .pictures import SUFFIXES
from .reach import may_follow
from .records import Problem

_REPEATS_NAME = re.compile(r"([1-9]\d{0,2})_(.*)", re.DOTALL)  # up to 999: '2024_summer' is no number of repeats
MASK_ENDING = "-mask"
"""`cat-mask.png` beside `cat.jpg` is its mask, not a picture."""


@dataclass(frozen=True)
class Found:
    """A file that may be a picture. `words` is the name part of a folder like '10_red cat' that it lies in."""

    path: Path
    root: Path
    folder: Folder
    repeats: int
    words: str
    mask: Path | None = None

    @property
    def name(self) -> str:
        return self.path.relative_to(self.root).as_posix()


def find_files(folders: Sequence[Folder], problems: list[Problem], passed: set[str] | None = None) -> list[Found]:
    """All files with a picture's ending, folder by folder, in natural order (2 before 10) of their names.

    A folder that is listed itself, or was reached before (by a symbolic link), is not searched again inside another.
    `passed` takes in the real paths of all folders that were searched.
    Raises DataError naming all folders that are missing.
    """
    roots = [_root(folder) for folder in folders]
    wrong = [f"'{folder.path}' {_complaint(root)}" for folder, root in zip(folders, roots) if _complaint(root)]
    if wrong or not roots:
        raise DataError(
            "The pictures cannot be read: " + "; ".join(wrong) + ". Correct data.folders."
            if wrong
            else "There is no folder of pictures. Name one in data.folders."
        )
    seen = passed if passed is not None else set()
    seen |= {os.path.realpath(root) for root in roots}
    found: list[Found] = []
    for folder, root in zip(folders, roots):
        files = sorted(_walk(root, seen, problems), key=lambda path: natural_key(path.relative_to(root).as_posix()))
        found += _with_masks(files, folder, root)
    return found


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sort key by which 'a2' comes before 'a10'; upper and lower case, and the two spellings of accents, are equal."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", plain)], name


def repeats_of(path: Path, root: Path) -> tuple[int, str]:
    """Repeats and words from the nearest folder named like '10_red cat' from the file up to the root; else (1, '')."""
    for folder in path.parents:
        if match := _REPEATS_NAME.fullmatch(folder.name):
            return int(match[1]), match[2].replace("_", " ").strip()
        if folder == root:
            break
    return 1, ""


def _root(folder: Folder) -> Path:
    return Path(folder.path.strip().strip('"')).expanduser().absolute()


def _complaint(root: Path) -> str:
    if not root.exists():
        return "does not exist"
    return "" if root.is_dir() else "is a file, not a folder"


def _walk(folder: Path, seen: set[str], problems: list[Problem]) -> Iterator[Path]:
    """Files below `folder`. Names with a leading dot are other programs' own (thumbnails, resource forks)."""
    try:
        with os.scandir(folder) as entries:
            visible = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name)
    except OSError as error:
        problems.append(Problem(folder, f"is a folder that cannot be searched ({error.strerror or error})"))
        return
    for entry in sorted(visible, key=lambda e: e.is_symlink()):  # of two ways to a folder, the one without a link
        path = folder / entry.name
        if not path.is_dir():
            if path.suffix.lower() in SUFFIXES:
                yield path
        elif (real := os.path.realpath(path)) not in seen and entry.name != "__MACOSX":
            if not _lies_in(real, folder) and not may_follow(path):
                continue
            seen.add(real)
            yield from _walk(path, seen, problems)


def _lies_in(real: str, folder: Path) -> bool:
    """Whether no link leads from a folder to the real path of one of its entries."""
    return os.path.dirname(real) == os.path.realpath(folder)  # noqa: PTH120  real paths are texts here


def _with_masks(files: list[Path], folder: Folder, root: Path) -> Iterator[Found]:
    """The pictures, each with its mask; a file is a mask only where the picture that it would belong to exists."""
    stems = {path.with_suffix("") for path in files}
    masks = {path.with_suffix(""): path for path in files if _picture_of(path) in stems}
    for path in files:
        if _picture_of(path) not in stems:
            repeats, words = repeats_of(path, root)
            mask = masks.get(path.with_name(path.stem + MASK_ENDING))
            yield Found(path, root, folder, folder.repeats or repeats, words, mask)


def _picture_of(mask: Path) -> Path | None:
    """The picture (without ending) that a file named like a mask belongs to."""
    return mask.with_name(mask.stem[: -len(MASK_ENDING)]) if mask.stem.endswith(MASK_ENDING) else None
