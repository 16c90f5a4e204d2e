"""How far links among pictures and captions are followed for somebody who may not look everywhere on the machine."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_allow: ContextVar[Callable[[Path], bool] | None] = ContextVar("train-lora reach", default=None)
"""None: links lead wherever their owner wants, as in a run or on a command line."""


@contextmanager
def reaching(allow: Callable[[Path], bool]) -> Iterator[None]:
    """Inside, what this thread reads by a link must be allowed."""
    token = _allow.set(allow)
    try:
        yield
    finally:
        _allow.reset(token)


def may_follow(link: Path) -> bool:
    """Whether what a link leads to may be read now."""
    allow = _allow.get()
    return allow is None or allow(link)


def require_readable(path: Path) -> None:
    """Raise PermissionError for a link that is not to be followed now."""
    if _allow.get() is not None and path.is_symlink() and not may_follow(path):
        raise PermissionError(errno.EACCES, "it is a link that leads out of the allowed folders", str(path))
