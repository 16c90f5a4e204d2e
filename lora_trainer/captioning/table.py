"""metadata.csv: captions put into a table that may be there already, with whatever else stands in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ..data.captions import FILE_COLUMNS, TEXT_COLUMNS
from ..data.pictures import SUFFIXES
from ..data.text_files import read_text
from ..errors import FileFormatError
from ..files.atomic import write_text
from ..sentences import Sentence

NAME = "metadata.csv"
HEADER = ("file", "prompt")


def write_table(file: Path, captions: Mapping[str, str]) -> None:
    """Put captions (by the pictures' names, with '/') into a table, made when it is not there; whole or not at all.

    Other rows and columns stay. Raises FileFormatError, with nothing written, when a table is there that has no
    columns for pictures and captions.
    """
    old = read_text(file) if file.is_file() else ""
    write_text(file, merged(old, captions, str(file)))


def require_usable(file: Path) -> None:
    """Raise FileFormatError when a table is there that `write_table` could not add to."""
    if file.is_file():
        merged(read_text(file), {}, str(file))


def merged(old: str, captions: Mapping[str, str], file: str = NAME) -> str:
    """The text of the table with these captions. Raises FileFormatError as `write_table`."""
    separator = max(",;\t", key=old.split("\n", 1)[0].count)
    try:
        rows = [row for row in csv.reader(old.splitlines(keepends=True), delimiter=separator) if any(row)]
    except csv.Error as error:
        raise _unusable(file) from error
    rows = rows or [list(HEADER)]
    picture, caption = _columns(rows[0], file)
    left = dict(captions)
    for row in rows:  # of two lines for a picture the last one counts when they are read: all of them are set
        if len(row) > picture and (text := captions.get(plain(row[picture]))) is not None:
            row += [""] * (caption + 1 - len(row))
            row[caption] = text
            left.pop(plain(row[picture]), None)
    width = max(picture, caption) + 1
    for name, text in left.items():
        row = [""] * max(width, len(rows[0]))
        row[picture], row[caption] = name, text
        rows.append(row)
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _columns(first: list[str], file: str) -> tuple[int, int]:
    """The columns of pictures and captions; without a header line they are the first two."""
    header = [cell.strip().lower() for cell in first]
    if PurePosixPath(header[0]).suffix in SUFFIXES:
        return 0, 1
    found = [next((header.index(name) for name in names if name in header), None) for names in _KINDS]
    if found[0] is None or found[1] is None:
        raise _unusable(file)
    return found[0], found[1]


_KINDS = (FILE_COLUMNS, TEXT_COLUMNS)


def plain(name: str) -> str:
    """A picture's name in a table, in one spelling."""
    return PurePosixPath(name.strip().replace("\\", "/")).as_posix()


def _unusable(file: str) -> FileFormatError:
    return FileFormatError(
        Sentence(
            "table_unusable",
            "'{file}' is there already, but has no columns 'file' and 'prompt': rename it, or write .txt files.",
            file=file,
        )
    )
