"""What was there before a fix: kept beside the pictures, so that the fix can be taken back.

`.train-lora-backup/ID/` holds the files that were changed, and a list of them with the hashes of what was written.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import DataError, NotFound, UserError
from ..files.atomic import replacing, write_text
from ..sentences import Sentence

BACKUPS, LIST = ".train-lora-backup", "files.json"


@contextmanager
def backed_up(root: Path, files: Iterable[Path]) -> Iterator[str]:
    """Keep these files below `root` as they are, give the backup's id, and note what the block made of them.

    When the block fails, all are put back.
    """
    id = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    folder, files = root / BACKUPS / id, list(files)
    before: list[tuple[Path, bytes | None]] = [(file, _content(file)) for file in files]
    rows = []
    for number, (file, content) in enumerate(before):
        kept = None if content is None else f"{number}{file.suffix}"
        if kept is not None and content is not None:
            _write(folder / kept, content)
        rows.append({"path": file.relative_to(root).as_posix(), "was": kept, "now": None})
    try:
        yield id
        for row, file in zip(rows, files):
            row["now"] = _hash(_content(file))
        write_text(folder / LIST, json.dumps(rows, ensure_ascii=False, indent=1))
    except (UserError, OSError):
        for file, content in before:
            _put_back(file, content)
        _discard(folder)
        raise


def undo(root: Path, id: str) -> None:
    """Put back what the fix of this id changed. Raises NotFound, and DataError when a file was changed since."""
    folder = root / BACKUPS / Path(id).name
    try:
        rows = json.loads((folder / LIST).read_text(encoding="utf-8"))
        files = [(_inside(root, row["path"]), row["was"], row["now"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError):
        raise NotFound(
            Sentence("undo_missing", "There is nothing to undo: this change was taken back, or its backup is gone.")
        ) from None
    for file, _, now in files:
        if _hash(_content(file)) != now:
            sentence = (
                "'{file}' was changed since. Take back what was done later first, or mend it by hand from {folder}."
            )
            raise DataError(Sentence("undo_changed", sentence, file=file.name, folder=str(folder)))
    for file, was, _ in files:
        _put_back(file, None if was is None else (folder / Path(was).name).read_bytes())
    _discard(folder)


def _inside(root: Path, name: str) -> Path:
    """A file of the list. Raises ValueError for one that leads elsewhere: the list may have come with the pictures."""
    path = Path(name)
    if path.is_absolute() or path.drive or ".." in path.parts:
        raise ValueError(name)
    return root / path


def _put_back(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    elif _content(file) != content:
        _write(file, content)


def _write(file: Path, content: bytes) -> None:
    with replacing(file) as out:
        out.write(content)


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
