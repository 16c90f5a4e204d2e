"""What all pages ask for every second, put together once for all of a visitor's pages that ask at about that time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..jobs.desk import Desk
from ..visitor import Visitor

LASTS = 1.0
"""Seconds after which it is put together anew, though nothing is known to have changed: disks change by themselves."""
MOST = 200
"""Visitors whose glance is kept."""


@dataclass
class Glance:
    """What one visitor saw, and what it was made of: while the parts are the same objects, so is the whole."""

    begun: float
    stirred: int
    parts: tuple[Any, ...]
    content: bytes


class Glances:
    """The glances of a server's visitors. Whatever a visitor changes is seen by the next glance of everybody."""

    def __init__(self) -> None:
        self._known: dict[Visitor, Glance] = {}
        self._locks: dict[Visitor, threading.Lock] = {}
        self._lock = threading.Lock()
        self._stirred = 0

    def stir(self) -> None:
        """Something was changed, or may have been."""
        with self._lock:
            self._stirred += 1

    def ready(self, desk: Desk) -> bytes | None:
        """What was put together for this visitor, while it still holds: found without waiting for anybody."""
        found = self._known.get(desk.visitor)
        return found.content if found is not None and self._holds(found, _parts(desk)) else None

    def content(self, desk: Desk, make: Callable[[], bytes]) -> bytes:
        """What `make` gives now. Of several who ask at once, one puts it together and the others wait for that."""
        with self._lock_of(desk.visitor):
            if (found := self.ready(desk)) is not None:
                return found
            glance = Glance(time.monotonic(), self._stirred, _parts(desk), b"")
            glance.content = make()
            self._known[desk.visitor] = glance
            return glance.content

    def _lock_of(self, visitor: Visitor) -> threading.Lock:
        with self._lock:
            if len(self._locks) > MOST:
                self._locks.clear()
                self._known.clear()
            return self._locks.setdefault(visitor, threading.Lock())

    def _holds(self, glance: Glance, parts: tuple[Any, ...]) -> bool:
        same = len(parts) == len(glance.parts) and all(map(_is, parts, glance.parts))
        return same and glance.stirred == self._stirred and time.monotonic() - glance.begun < LASTS


def _parts(desk: Desk) -> tuple[Any, ...]:
    """Objects of which another takes the place with every change of a job."""
    return tuple(part for job in desk.jobs.list() for part in (job.record, job.control.wish))


def _is(one: Any, other: Any) -> bool:
    return one is other
