"""Going on over broken connections."""

from __future__ import annotations

import time

from .errors import Unreachable

WAITS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before the next try; the last one again and again."""
GIVE_UP = 600.0
"""Seconds without any success after which a connection is given up: a server is updated within that."""


class Patience:
    """Decides whether to try again: call `broke` at every failure, `went_well` after every success."""

    def __init__(self, seconds: float = GIVE_UP) -> None:
        self._seconds = seconds
        self._tries, self._since = 0, time.monotonic()

    def went_well(self) -> None:
        self._tries, self._since = 0, time.monotonic()

    def broke(self, error: Unreachable) -> None:
        """Wait before the next try. Raises the error when it has gone on for too long."""
        wait = WAITS[min(self._tries, len(WAITS) - 1)]
        if time.monotonic() + wait - self._since > self._seconds:
            raise error
        self._tries += 1
        time.sleep(wait)
