"""Who may use the model: one run or one try-out at a time, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

LOOK_AGAIN = 0.1
"""Seconds between looks whether somebody who waits has given up."""


@dataclass(eq=False)
class Ticket:
    """A place in the line. `name` and `job` say whose it is, `draws` that it is for pictures.

    With `yields` it comes after everybody without, and is not served while that holds either.
    """

    name: str
    job: str = ""
    draws: bool = False
    yields: Callable[[], bool] | None = None

    @property
    def held_back(self) -> bool:
        return self.yields is not None and self.yields()


class Turn:
    """A fair lock whose holder has a name, and whose waiters may give up."""

    def __init__(self) -> None:
        self._line: list[Ticket] = []
        self._holder: Ticket | None = None
        self._moved = threading.Condition()

    @property
    def holder(self) -> Ticket | None:
        """Whoever has the model now."""
        return self._holder

    def join(self, ticket: Ticket) -> Ticket:
        """Stand in line from now on; `held` waits."""
        with self._moved:
            self._line.append(ticket)
        return ticket

    @contextmanager
    def held(self, ticket: Ticket, given_up: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Wait for the turn; inside the block the model is the caller's, unless the value is False: it gave up."""
        with self._moved:
            while not self._is_next(ticket) and not given_up():
                self._moved.wait(LOOK_AGAIN)
            mine = self._is_next(ticket)
            self._holder = ticket if mine else self._holder
            self._line.remove(ticket)
        try:
            yield mine
        finally:
            if mine:
                with self._moved:
                    self._holder = None
                    self._moved.notify_all()

    def taken(self, name: str, job: str = "") -> AbstractContextManager[bool]:
        """Stand in line and wait."""
        return self.held(self.join(Ticket(name, job)))

    def wanted_from(self, ticket: Ticket) -> bool:
        """Whether a holder that yields should give the model back."""
        with self._moved:
            return ticket.yields is not None and (any(one.yields is None for one in self._line) or ticket.held_back)

    def _is_next(self, ticket: Ticket) -> bool:
        if self._holder is not None or ticket.held_back:
            return False
        first = next((one for one in self._line if one.yields is None), self._line[0])
        return ticket is first
