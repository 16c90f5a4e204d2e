"""How many pictures a folder has, without a walk through it each time that a page asks."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

SETTLED_NS = 2 * 10**9
"""A folder's time tells of its newest change only when it is older than this: some disks count in steps of 2 s."""
AT_MOST_EVERY, AT_LEAST_EVERY = 1.0, 60.0
"""Seconds: a folder that others fill is walked through no more often; and where its time can be trusted, no less."""


class Counting:
    """The number that `walk` gives, with the folders which it went through."""

    def __init__(self, walk: Callable[[], tuple[int, set[str]]]) -> None:
        self._walk, self._lock = walk, threading.Lock()
        self._count, self._folders = 0, dict[str, int]()
        self._taken, self._settled = -AT_LEAST_EVERY, False

    def count(self) -> int:
        """Files that others have put there are seen a second later at the latest. Raises what `walk` raises."""
        with self._lock:
            if not self._holds(time.monotonic()):
                began, began_ns = time.monotonic(), time.time_ns()
                self._count, folders = self._walk()
                self._folders = {folder: _changed(folder) for folder in folders}
                self._settled = all(changed < began_ns - SETTLED_NS for changed in self._folders.values())
                self._taken = began
            return self._count

    def forget(self) -> None:
        """The folder has just been changed."""
        self._taken = -AT_LEAST_EVERY

    def _holds(self, now: float) -> bool:
        age = now - self._taken
        if age < AT_MOST_EVERY:
            return True
        if not self._settled or age >= AT_LEAST_EVERY:
            return False
        return all(_changed(folder) == changed for folder, changed in self._folders.items())


def _changed(folder: str) -> int:
    """When entries last came or went; 0 where it is gone."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  it is asked often, and a path costs more than the look
    except OSError:
        return 0
