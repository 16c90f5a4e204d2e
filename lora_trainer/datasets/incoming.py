"""Files on their way into a data set: put aside, looked at, and only then given their place."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..data.pictures import inspect
from ..data.text_files import decode
from ..errors import DataError
from ..sentences import Sentence
from . import names

CHUNK = 1 << 20
INCOMING, STALE_SECONDS = ".incoming-", 24 * 3600.0
LARGEST_PICTURE = 512 << 20
LARGEST_TEXT = 16 << 20
"""Bytes of one file. No picture that is decoded here needs more; the captions of ten thousand pictures need 2 MB."""

_in_use = set[Path]()
"""Places of this program's own uploads: whatever the clock says, they are not left over."""


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A hidden folder beside the pictures: on the same disk, so that a finished file only changes its name."""
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    place = Path(tempfile.mkdtemp(prefix=INCOMING, dir=folder))
    _in_use.add(place)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        _in_use.discard(place)


def _sweep(folder: Path) -> None:
    """Remove what a program left that was killed; what other uploads of this moment have comes and goes meanwhile."""
    for left in folder.glob(INCOMING + "*"):
        with suppress(FileNotFoundError):
            if left not in _in_use and time.time() - left.stat().st_mtime > STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def stage(place: Path, name: str, stream: BinaryIO) -> Path:
    """The file `name` (safe, with folders) put aside and looked at. Raises DataError when it is not to be taken."""
    if not (names.is_picture(name) or names.is_text(name)):
        raise DataError(Sentence("not_a_picture", "is neither a picture nor a caption"))
    picture = names.is_picture(name)
    file = place / (secrets.token_hex(8) + Path(name).suffix)
    copy(stream, file, LARGEST_PICTURE if picture else LARGEST_TEXT)
    if picture:
        inspect(file)
    else:
        _require_text(file)
    return file


def copy(stream: BinaryIO, file: Path, most: int) -> None:
    """Write a stream to a file. Raises DataError when it goes on beyond `most` bytes, or the disk is full."""
    size = 0
    try:
        with file.open("wb") as out:
            while part := stream.read(CHUNK):
                size += len(part)
                if size > most:
                    raise DataError(
                        Sentence("file_too_large", "is larger than {most} MB, which is the limit", most=most >> 20)
                    )
                out.write(part)
    except OSError as error:
        reason = str(error.strerror or error)
        raise DataError(Sentence("file_unwritten", "could not be stored ({reason})", reason=reason)) from error


def _require_text(file: Path) -> None:
    """Raise DataError when the file cannot be text: a program, or a picture with a wrong ending."""
    try:
        text = decode(file.read_bytes())
    except ValueError as error:
        raise DataError(Sentence("text_damaged", "is no readable text ({reason})", reason=str(error))) from error
    if "\0" in text:
        raise DataError(Sentence("text_binary", "has the ending of a caption, but is no text"))
