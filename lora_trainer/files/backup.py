"""What was there before a change: kept beside the pictures, so that the change can be taken back.

`.train-lora-backup/ID/` holds the files that were changed, and a list of them with the hashes of what was written.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError, NotFound, UserError
from ..sentences import Sentence
from .atomic import write_all, write_text

BACKUPS, LIST = ".train-lora-backup", "files.json"
KEPT = 100
"""Backups of a folder; the oldest go when there are more."""
CLOSE = 2_000_000_000
"""Nanoseconds that every file system tells apart (FAT counts in two seconds)."""


@dataclass(frozen=True)
class Backup:
    """What a change can be taken back with: its id, when it was made (seconds since 1970), and the changed files."""

    id: str
    time: float
    files: tuple[Path, ...]


@contextmanager
def backed_up(root: Path, files: Iterable[Path]) -> Iterator[str]:
    """Keep these files below `root` as they are, give the backup's id, and note what the block made of them.

    When the block fails, all are put back.
    """
    id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    folder, files = root / BACKUPS / id, list(files)
    before = {file: _content(file) for file in files}
    kept = {
        file: f"{number}{file.suffix}" for number, (file, content) in enumerate(before.items()) if content is not None
    }
    rows: list[dict[str, str | None]] = [
        {"path": file.relative_to(root).as_posix(), "was": kept.get(file), "now": None} for file in files
    ]
    write_all({folder / name: before[file] or b"" for file, name in kept.items()})
    try:
        yield id
        for row, file in zip(rows, files):
            row["now"] = _hash(_content(file))
        write_text(folder / LIST, json.dumps(rows, ensure_ascii=False, indent=1))
        _make_newest(root, folder / LIST)
        for old in backups(root)[KEPT:]:
            _discard(root / BACKUPS / old.id)
    except (UserError, OSError):
        _put_back(before)
        _discard(folder)
        raise


def backups(root: Path) -> list[Backup]:
    """The changes that can be taken back, the newest first; folders that hold no backup are passed over."""
    found: list[tuple[int, Backup]] = []
    for file in (root / BACKUPS).glob(f"*/{LIST}"):
        try:
            changed = tuple(path for path, _, _ in _rows(root, file.parent))
            time_ns = file.stat().st_mtime_ns
        except _NO_BACKUP:
            continue
        found.append((time_ns, Backup(file.parent.name, time_ns / 1e9, changed)))
    return [backup for _, backup in sorted(found, key=lambda pair: pair[0], reverse=True)]


def undo(root: Path, id: str) -> None:
    """Put back what the change of this id changed. Raises NotFound, and DataError when a file was changed since."""
    folder = root / BACKUPS / Path(id).name
    try:
        files = _rows(root, folder)
    except _NO_BACKUP:
        raise NotFound(
            Sentence("undo_missing", "There is nothing to undo: this change was taken back, or its backup is gone.")
        ) from None
    for file, _, now in files:
        if _hash(_content(file)) != now:
            sentence = (
                "'{file}' was changed since. Take back what was done later first, or mend it by hand from {folder}."
            )
            raise DataError(Sentence("undo_changed", sentence, file=file.name, folder=str(folder)))
    _put_back({file: None if was is None else (folder / Path(was).name).read_bytes() for file, was, _ in files})
    _discard(folder)


def _make_newest(root: Path, file: Path) -> None:
    """Let this backup count as the newest, also when the clock was set back since an earlier one was made."""
    with suppress(OSError):
        own = file.stat().st_mtime_ns
        others = [one.stat().st_mtime_ns for one in (root / BACKUPS).glob(f"*/{LIST}") if one != file]
        if (newest := max(others, default=0)) >= own:
            os.utime(file, ns=(newest + CLOSE, newest + CLOSE))


_NO_BACKUP = (OSError, ValueError, KeyError, TypeError)


def _rows(root: Path, folder: Path) -> list[tuple[Path, str | None, str | None]]:
    """Of each changed file its path, the name of what it was in the backup, and the hash of what it became."""
    rows = json.loads((folder / LIST).read_text(encoding="utf-8"))
    return [(_inside(root, row["path"]), row["was"], row["now"]) for row in rows]


def _inside(root: Path, name: str) -> Path:
    """A file of the list. Raises ValueError for one that leads elsewhere: the list may have come with the pictures."""
    path = Path(name)
    if path.is_absolute() or path.drive or ".." in path.parts:
        raise ValueError(name)
    return root / path


def _put_back(before: Mapping[Path, bytes | None]) -> None:
    """Files as they were; those that were not there go."""
    for file, content in before.items():
        if content is None:
            file.unlink(missing_ok=True)
    write_all({file: content for file, content in before.items() if content is not None and _content(file) != content})


def _discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        shutil.rmtree(folder.parent, ignore_errors=True)


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _hash(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
