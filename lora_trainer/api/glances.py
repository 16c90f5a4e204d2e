"""What many ask for, or are told, all the time: put together once for all to whom it is the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

LASTS = 1.0
"""Seconds after which it is put together anew, though nothing is known to have changed: disks change by themselves."""
MOST = 500
"""Subjects whose glance is kept."""

Signs = Callable[[], tuple[Any, ...]]
"""Gives numbers, and objects of which another takes the place with every change: what an answer is made of."""


@dataclass
class Glance:
    """An answer, and the signs by which it was made: while they are the same, so is the answer."""

    begun: float
    signs: tuple[Any, ...]
    content: bytes


class Glances:
    """The glances of a server, by their subjects: whoever may ask for one may have it."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Glance] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self.stirred = 0
        """A sign for what has no other: how often anybody changed something."""

    def stir(self) -> None:
        """Something was changed, or may have been."""
        with self._lock:
            self.stirred += 1

    def ready(self, subject: Hashable, signs: Signs) -> bytes | None:
        """What was put together before, while it still holds: found without waiting for anybody."""
        found = self._known.get(subject)
        return found.content if found is not None and _holds(found, signs()) else None

    def content(self, subject: Hashable, signs: Signs, make: Callable[[], bytes]) -> bytes:
        """What `make` gives now. Of several who ask at once, one puts it together and the others wait for that."""
        with self._lock_of(subject):
            if (found := self.ready(subject, signs)) is not None:
                return found
            glance = Glance(time.monotonic(), signs(), b"")
            glance.content = make()
            self._known[subject] = glance
            return glance.content

    def _lock_of(self, subject: Hashable) -> threading.Lock:
        with self._lock:
            if len(self._locks) > MOST:
                self._locks.clear()
                self._known.clear()
            return self._locks.setdefault(subject, threading.Lock())


def _holds(glance: Glance, signs: tuple[Any, ...]) -> bool:
    same = len(signs) == len(glance.signs) and all(map(_same, signs, glance.signs))
    return same and time.monotonic() - glance.begun < LASTS


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, int) and one == other)
