"""Replacing a file so that at every moment either the old or the new one is there, whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import UserError
from .disk import disk_error

PARTIAL = ".partial"
STALE_SECONDS = 3600.0
WRITERS = 8
REPLACE_WAITS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)
"""Seconds between tries: a virus scanner or an indexer lets go of a file within that time."""


class FileInUse(UserError):
    """The file could not be replaced because a program holds it; `saved_as` is where the new content is instead."""

    def __init__(self, message: str, saved_as: Path) -> None:
        self.saved_as = saved_as
        super().__init__(message)


@contextmanager
def replacing(
    path: Path, check: Callable[[Path], None] | None = None, *, durable: bool = True, private: bool = False
) -> Iterator[BinaryIO]:
    """A binary file to write and read, that takes the place of `path` when the block ends without an error.

    It lives in the same folder under a name ending in '.partial' until it is whole on the disk. `check` gets that
    temporary file before the replacement and may raise to prevent it. Without `durable` nothing is waited for until it
    is on the disk: for many small files that can be made anew and whose readers notice damage.
    Raises DiskError when the disk is full or read-only, FileInUse when `path` is held by another program, UserError
    when the folder cannot be written; `path` is untouched then.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with _sentences(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "x+b", opener=_private if private else None) as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            if check:
                check(partial)
            _replace(partial, path)
        if durable:
            _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Replace `path` by a UTF-8 text, whole or not at all; a `private` one is its owner's alone."""
    with replacing(path, private=private) as file:
        file.write(text.encode("utf-8"))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Replace many small files, each whole or not at all: side by side, because each waits for the disk.

    Raises what `replacing` does; others than the one that it is about may be written by then.
    """
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="train-lora files") as pool:
        for _ in pool.map(_write, contents.items()):
            pass


def _write(item: tuple[Path, bytes]) -> None:
    path, content = item
    with replacing(path) as file:
        file.write(content)


def sweep_partials(folder: Path, stem: str = "", older_than: float = STALE_SECONDS) -> list[Path]:
    """Remove what killed runs left behind: temporary files of names that begin with `stem`.

    Younger files than `older_than` seconds may still be written by somebody, unless the caller knows better.
    """
    swept = []
    for partial in folder.glob(f".*{PARTIAL}"):
        with contextlib.suppress(OSError):
            ours = partial.name[1:].startswith(stem)
            if ours and time.time() - partial.stat().st_mtime >= older_than:
                partial.unlink()
                swept.append(partial)
    return swept


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn the system's errors while writing `path` into sentences."""
    try:
        yield
    except OSError as error:
        if refused := disk_error(error, path):
            raise refused from error
        raise UserError(f"'{path}' cannot be written: {error.strerror or error}. Choose another folder.") from error


def _replace(partial: Path, path: Path) -> None:
    """Give `partial` the name of `path`; Windows refuses while a program has `path` open: wait, then evade."""
    for wait in (*REPLACE_WAITS, None):
        try:
            partial.replace(path)
            return
        except PermissionError as error:
            if wait is None:
                _evade(partial, path, error)
            else:
                time.sleep(wait)


def _evade(partial: Path, path: Path, error: PermissionError) -> None:
    """Keep finished work under a free name near `path`, and say so. Raises FileInUse."""
    number = 2
    while (other := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    partial.replace(other)
    raise FileInUse(
        f"'{path}' could not be replaced: another program has it open (a WebUI that has loaded it, a viewer, a virus "
        f"scanner). The new file is complete and was saved as '{other.name}' beside it; close that program and rename.",
        other,
    ) from error


def _sync_folder(folder: Path) -> None:
    """Put the new name itself on the disk, where the system knows folders as files (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):  # some network file systems refuse
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
