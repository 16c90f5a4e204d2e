"""Writing files so that a reader, a crash or a full disk never sees half of one."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import TrainingError

TEMPORARY = ".part"
"""Ending of files that are being written; one that is left behind belongs to a process that was killed."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path in the same folder; what is written there becomes `path` when the block ends well.

    Raises TrainingError when the disk is full or `path` is held open by another program; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        _flush(temporary)
        _replace(temporary, path)
    except OSError as error:
        raise TrainingError(
            f"{path} could not be written ({error.strerror or error}). What was there before is intact."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _flush(path: Path) -> None:
    """Bring the file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(temporary: Path, path: Path) -> None:
    """Rename over `path`. Windows refuses while another program has it open, often only for a moment."""
    for pause in (0.05, 0.2, 0.5, 1.0):
        try:
            temporary.replace(path)
            break
        except PermissionError:
            time.sleep(pause)
    else:
        temporary.replace(path)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Bring the rename itself to the disk, where the system can do that."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
