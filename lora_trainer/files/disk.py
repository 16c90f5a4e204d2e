"""Whether the disk has room."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from ..errors import DiskError
from ..sentences import Sentence

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
READ_ONLY = {errno.EROFS}
REFUSING = {*READ_ONLY, *(getattr(errno, name, errno.EROFS) for name in ("EFBIG", "EIO", "ESTALE", "ENODEV", "ENXIO"))}
"""What a disk says that is read-only, that fails, or that is not there any more."""
RESERVE = 64 * 2**20
"""Bytes that stay free, so that logs and the system go on working."""


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk that `folder` is or will be on; the folder need not exist yet."""
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    return shutil.disk_usage(existing).free


def enough_space(folder: Path, needed: int) -> bool:
    """Whether `needed` bytes fit into `folder` with a reserve left."""
    return free_bytes(folder) >= needed + RESERVE


def require_space(folder: Path, needed: int, purpose: str) -> None:
    """Raise DiskError when `needed` bytes for `purpose` (e.g. 'all saves of this run') do not fit."""
    if not enough_space(folder, needed):
        free = free_bytes(folder)
        raise DiskError(
            f"The disk of '{folder}' has {megabytes(free)} free, but {purpose} need {megabytes(needed + RESERVE)}. "
            "Free some space or choose another output folder."
        )


def is_of_writing(error: BaseException) -> bool:
    """Whether an error of the system can only come from writing to a disk that takes nothing more."""
    return isinstance(error, OSError) and error.errno in {*FULL, *READ_ONLY}


def disk_error(error: OSError, path: object) -> DiskError | None:
    """What to raise where `path` could not be written since the disk takes nothing more; None for any other error."""
    if error.errno in FULL:
        sentence = (
            "The disk is full: '{path}' could not be written and is as it was before. Free some space and go on, or "
            "choose another folder."
        )
        return DiskError(Sentence("disk_full", sentence, path=str(path)))
    if error.errno in REFUSING:
        sentence = (
            "The disk does not let '{path}' be written ({reason}); it is as it was before. See to the disk and go on, "
            "or choose another folder."
        )
        return DiskError(Sentence("disk_refuses", sentence, path=str(path), reason=error.strerror or str(error)))
    return None


def megabytes(count: int) -> str:
    """A number of bytes for people, in MB or GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
