"""Data sets as zip files, made while they are read: nothing of them is kept in memory or on the disk."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from .contents import Part

PIECE = 1 << 18
"""Bytes that are given out at once, but for the last."""


def zipped(parts: Iterable[Part]) -> Iterator[bytes]:
    """The bytes of a zip file of these parts. Raises OSError when one is gone meanwhile."""
    pipe = _Pipe()
    with zipfile.ZipFile(cast(IO[bytes], pipe), "w") as archive:  # zipfile knows streams that can only be written to
        for part in parts:
            with archive.open(_entry(part), "w") as out:
                for piece in part.pieces():
                    out.write(piece)
                    yield from pipe.taken(PIECE)
    yield from pipe.taken(1)


def _entry(part: Part) -> zipfile.ZipInfo:
    """Pictures are packed already; only texts get smaller."""
    if isinstance(part.source, Path):
        entry = zipfile.ZipInfo.from_file(part.source, part.name, strict_timestamps=False)
        entry.compress_type = zipfile.ZIP_STORED
        return entry
    entry = zipfile.ZipInfo(part.name, _moment())
    entry.compress_type, entry.file_size = zipfile.ZIP_DEFLATED, len(part.source)
    entry.external_attr = 0o644 << 16
    return entry


def _moment() -> tuple[int, int, int, int, int, int]:
    """Now, as far as a zip file can say it: a machine whose battery is empty believes that it is 1970."""
    year, month, day, hour, minute, second = time.localtime()[:6]
    return min(max(year, 1980), 2107), month, day, hour, minute, second


class _Pipe:
    """What zipfile writes, until somebody takes it."""

    def __init__(self) -> None:
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def taken(self, least: int) -> Iterator[bytes]:
        """What is held, when it is at least so much."""
        if len(self._held) >= least:
            data = bytes(self._held)
            self._held.clear()
            yield data
