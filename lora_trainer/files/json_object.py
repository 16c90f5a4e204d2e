"""Small files that hold one JSON object: read so that nothing in them is ever lost.

What is damaged is put aside under another name, never overwritten by what is written next. So is nothing that the
system does not let us read at the moment: then nobody gets an empty object to add to.
"""

from __future__ import annotations

import json
import logging
import secrets
import time
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..sentences import Sentence

log = logging.getLogger(__name__)

AGAIN = 0.05
"""Seconds before a second try: on Windows a file that is being replaced cannot be opened for a moment."""


def read_object(path: Path) -> dict[str, Any]:
    """The object in the file `path`; an empty one where there is none.

    A file that holds none is put aside, and an empty object given. Raises UserError when it cannot be read at all, or
    not be put aside: who would write it next must leave it alone then.
    """
    try:
        text = _text(path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        return _put_aside(path, str(error))
    except OSError as error:
        raise UserError(_unreadable(path, error)) from error
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _put_aside(path, str(error))
    return values if isinstance(values, dict) else _put_aside(path, "it holds no object")


def object_or_empty(path: Path) -> dict[str, Any]:
    """As `read_object` for who only looks: empty also where the file cannot be read now, which the log tells."""
    try:
        return read_object(path)
    except UserError as error:
        log.warning("%s", error)
        return {}


def aside_of(path: Path) -> Path:
    """A free name beside `path` for what is damaged."""
    return path.with_name(f"{path.name}.damaged-{secrets.token_hex(3)}")


def aside_files(path: Path) -> list[Path]:
    """What was put aside in the place of `path`."""
    return sorted(path.parent.glob(f"{path.name}.damaged-*"))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except PermissionError:
        time.sleep(AGAIN)
        return path.read_text(encoding="utf-8")


def _put_aside(path: Path, reason: str) -> dict[str, Any]:
    aside = aside_of(path)
    try:
        path.rename(aside)
    except FileNotFoundError:  # somebody else was first
        return {}
    except OSError as error:
        raise UserError(_unreadable(path, error)) from error
    log.error("The file '%s' is damaged (%s): it was put aside as '%s' and is begun anew.", path, reason, aside.name)
    return {}


def _unreadable(path: Path, error: OSError) -> Sentence:
    sentence = "'{path}' cannot be read ({reason}): it is left as it is. Let the program read it, or move it away."
    return Sentence("file_unreadable", sentence, path=str(path), reason=error.strerror or str(error))
