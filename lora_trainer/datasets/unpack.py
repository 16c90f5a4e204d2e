"""Zip files of pictures: taken apart with every reason for distrust."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from ..errors import DataError
from ..sentences import Sentence

MOST_FILES = 20_000
MOST_BYTES = 64 << 30
"""What a zip may hold, unpacked."""
SUSPICIOUS, MOST_GROWTH = 1 << 30, 100
"""Above the first number of bytes, unpacked data may be at most so many times as long as the zip itself."""

_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What zipfile raises on files that are damaged, encrypted, or packed in ways it does not know."""


@dataclass(frozen=True)
class Member:
    """A file in a zip; `open` raises DataError when it is not to be unpacked."""

    archive: zipfile.ZipFile
    entry: zipfile.ZipInfo

    @property
    def name(self) -> str:
        return self.entry.filename

    def open(self) -> BinaryIO:
        kind = stat.S_IFMT(self.entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise DataError(Sentence("zip_link", "is a link or a device, not a file: refused"))
        if self.entry.flag_bits & 0x1:
            raise DataError(Sentence("zip_encrypted", "is encrypted: pack the pictures without a password"))
        try:
            return cast(BinaryIO, _Guarded(self.archive.open(self.entry)))
        except _ZIP_ERRORS as error:
            raise _damaged(error) from error


class _Guarded:
    """A member's stream whose errors are sentences. zipfile itself never gives more than the entry's declared size."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except _ZIP_ERRORS as error:
            raise _damaged(error) from error


@contextmanager
def opened(file: Path, room: int | None = None) -> Iterator[list[Member]]:
    """The files in a zip, as long as the whole can be trusted. Raises DataError when it cannot.

    `room` is by how many bytes it may be longer than the file itself; None: by as many as the disk holds.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _ZIP_ERRORS as error:
        raise _damaged(error) from error
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _require_sane(entries, file)
        _require_room(entries, file, room)
        yield [Member(archive, entry) for entry in entries]


def _require_sane(entries: list[zipfile.ZipInfo], file: Path) -> None:
    """Raise DataError for bombs, and for what the disk cannot hold. Sizes are as declared, which zipfile enforces."""
    if len(entries) > MOST_FILES:
        raise DataError(Sentence("zip_files", "holds more than {most} files: pack them in parts", most=MOST_FILES))
    size = sum(entry.file_size for entry in entries)
    if size > MOST_BYTES or size > max(SUSPICIOUS, MOST_GROWTH * file.stat().st_size):
        raise DataError(
            Sentence("zip_bomb", "would be unpacked to {size} MB, which is no usual zip of pictures", size=size >> 20)
        )
    free = shutil.disk_usage(file.parent).free
    if size > free:
        raise DataError(
            Sentence(
                "zip_disk", "needs {size} MB unpacked, but only {free} MB are free", size=size >> 20, free=free >> 20
            )
        )


def _require_room(entries: list[zipfile.ZipInfo], file: Path, room: int | None) -> None:
    """Raise DataError where more would come out of it than whoever sends it may still use."""
    growth = sum(entry.file_size for entry in entries) - file.stat().st_size
    if room is not None and growth > room:
        sentence = "would take {size} MB more than the file itself when unpacked, but you may use only {room} more"
        raise DataError(Sentence("zip_room", sentence, size=growth >> 20, room=max(0, room) >> 20))


def _damaged(error: Exception) -> DataError:
    return DataError(Sentence("zip_damaged", "is a damaged zip file ({reason})", reason=str(error)))
