"""Tickets for connections that cannot name their visitor otherwise, as a browser's WebSocket on another sign-in."""

from __future__ import annotations

import secrets
import threading
import time

from ..visitor import Visitor

GOOD_FOR = 30.0
"""Seconds from the asking to the using."""
MOST = 1000


class Tickets:
    """Each lets one visitor in once, soon."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[float, Visitor]] = {}
        self._lock = threading.Lock()

    def issue(self, visitor: Visitor) -> str:
        """A new one; the oldest fall away where there are too many."""
        ticket, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            fresh = [(key, one) for key, one in self._open.items() if now - one[0] < GOOD_FOR]
            self._open = dict([*fresh, (ticket, (now, visitor))][-MOST:])
        return ticket

    def redeem(self, ticket: str) -> Visitor | None:
        """Whose it was, the first time within its seconds; None for any other."""
        with self._lock:
            issued, visitor = self._open.pop(ticket, (-GOOD_FOR, None))
        return visitor if time.monotonic() - issued < GOOD_FOR else None
