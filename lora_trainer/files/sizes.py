"""What files and folders take of a disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def bytes_at(place: Path) -> int:
    """Bytes of a file, or of all in a folder; links are not followed, and what vanishes meanwhile is nothing."""
    with contextlib.suppress(OSError):
        if place.is_symlink() or not place.is_dir():
            return place.lstat().st_size
    return sum(_in_folder(place))


def _in_folder(folder: Path) -> Iterator[int]:
    left = [str(folder)]
    while left:
        try:
            with os.scandir(left.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
