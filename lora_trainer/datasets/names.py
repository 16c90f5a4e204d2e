"""Names that come from outside: made fit for every system, and never leading out of the folder they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from ..data.captions import TABLES
from ..data.pictures import SUFFIXES
from ..data.walk import MASK_ENDING
from ..errors import DataError, NotFound, UserError
from ..files.names import safe_stem
from ..sentences import Sentence

CAPTION_SUFFIXES = (".txt", ".caption")
DEEPEST = 6
"""How many folders an uploaded name may hold: more helps nobody, and Windows' paths are short."""
LITTER = ("thumbs.db", "desktop.ini", "__macosx")
"""What systems leave in folders (beside names with a leading dot): passed over without a word."""


class NoSuchPicture(DataError, NotFound):
    """There is no picture of this name in the data set."""

    def __init__(self, name: str) -> None:
        super().__init__(Sentence("file_missing", "There is no picture '{name}' in the data set.", name=name))


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def is_mask(name: str) -> bool:
    return PurePosixPath(name).stem.endswith(MASK_ENDING)


def is_text(name: str) -> bool:
    """Whether a file of this name holds captions."""
    return PurePosixPath(name).suffix.lower() in CAPTION_SUFFIXES or is_table(name)


def is_table(name: str) -> bool:
    """Whether a file of this name holds the captions of many pictures."""
    return PurePosixPath(name).name.lower() in TABLES


def is_zip(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() == ".zip"


def is_litter(name: str) -> bool:
    return any((part.startswith(".") and part != "..") or part.lower() in LITTER for part in _parts(name))


def safe_name(name: str) -> str:
    """`name`, which may hold folders, as a relative path with '/' that every system takes. Raises DataError."""
    parts = _parts(name)
    if _leads_out(name, parts):
        raise DataError(Sentence("name_escapes", "has a name that leads out of the data set's folder: refused"))
    if not parts:
        raise DataError(Sentence("name_empty", "has no name"))
    if len(parts) > DEEPEST + 1:
        raise DataError(Sentence("name_deep", "lies more than {most} folders deep: move it further up", most=DEEPEST))
    *folders, last = parts
    stem, dot, ending = last.rpartition(".")
    try:
        return "/".join(
            [*map(safe_stem, folders), safe_stem(stem) + dot + safe_stem(ending) if stem else safe_stem(last)]
        )
    except UserError as error:
        raise DataError(error.sentence) from error


def inside(root: Path, name: str) -> Path:
    """The path of `name` below `root`. Raises NoSuchPicture for names that lead elsewhere or into hidden folders."""
    parts = _parts(name)
    if not parts or _leads_out(name, parts) or is_litter(name) or any(Path(part).drive for part in parts):
        raise NoSuchPicture(name)
    return root.joinpath(*parts)


def unused(name: str, taken: Iterable[str]) -> str:
    """`name`, or with the first number that makes its stem unlike all in `taken` ('cat.png' -> 'cat-2.png').

    Two pictures that differ in nothing but their ending would share a caption file, so stems are compared.
    """
    stems = {_stem(other) for other in taken}
    path, number = PurePosixPath(name), 2
    free = path
    while _stem(free.as_posix()) in stems:
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free.as_posix()


def _leads_out(name: str, parts: Sequence[str]) -> bool:
    """Names like '../x', '/x' and 'C:/x', which nobody has by accident."""
    return name[:1] in ("/", "\\") or ".." in parts or "\0" in name or re.match(r"[A-Za-z]:[\\/]", name) is not None


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix().casefold()


def _parts(name: str) -> list[str]:
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
