"""Who may use the model: one run or one try-out at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_AGAIN = 0.1
"""Seconds between looks whether somebody who waits has given up."""


class Turn:
    """A fair lock whose holder has a name, and whose waiters may give up."""

    def __init__(self) -> None:
        self._line: list[object] = []
        self._names: dict[object, str] = {}
        self._moved = threading.Condition()

    @property
    def holder(self) -> str:
        """The name of whoever has the model now; empty when nobody has."""
        with self._moved:
            return self._names[self._line[0]] if self._line else ""

    @contextmanager
    def taken(self, name: str, given_up: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Wait in line; inside the block the model is the caller's, unless the value is False: then it gave up."""
        ticket = object()
        with self._moved:
            self._line.append(ticket)
            self._names[ticket] = name
            while self._line[0] is not ticket and not given_up():
                self._moved.wait(LOOK_AGAIN)
            mine = self._line[0] is ticket
            if not mine:
                self._leave(ticket)
        try:
            yield mine
        finally:
            if mine:
                with self._moved:
                    self._leave(ticket)

    def _leave(self, ticket: object) -> None:
        self._line.remove(ticket)
        del self._names[ticket]
        self._moved.notify_all()
