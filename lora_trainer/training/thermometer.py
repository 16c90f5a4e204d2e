"""How warm the device is, looked at now and then."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 10.0
"""Seconds between two looks. A look asks the driver or the system and never waits for the device."""


class Thermometer:
    """The device's temperature at the last look; None where nobody tells, and then it is not looked at again."""

    def __init__(self, look: Callable[[], float | None]) -> None:
        self._look, self._known = look, True
        self._at = -EVERY
        self._degrees: float | None = None

    def read(self) -> float | None:
        """Degrees Celsius."""
        now = time.monotonic()
        if self._known and now - self._at >= EVERY:
            self._at, self._degrees = now, self._look()
            self._known = self._degrees is not None
        return self._degrees
