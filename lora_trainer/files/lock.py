"""A lock that one process holds at a time and that goes with it, however it ends."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK, errno.EWOULDBLOCK}
"""What the systems say when somebody else has the lock; anything else means that this disk knows no locks."""


class Held(OSError):
    """Somebody else, in this process or another, holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock whose file is `path`; the file stays. Raises Held, and OSError when it cannot be made."""
    with path.open("a+b") as file:
        _take(file)
        yield


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock whose file is `path` now."""
    if not path.exists():
        return False
    try:
        with locked(path):
            return False
    except Held:
        return True


def _take(file: IO[bytes]) -> None:
    """Closing the file, or the end of the process, lets the lock go."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            raise Held(str(error)) from error
