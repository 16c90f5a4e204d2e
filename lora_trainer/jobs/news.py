"""Wakes whoever waits for something new, in any thread; what it is they look up themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable

Wake = Callable[[], None]


class News:
    """Has listeners that are called, quickly and in the thread that brings the news, whenever there is any."""

    def __init__(self) -> None:
        self._listeners: tuple[Wake, ...] = ()
        self._lock = threading.Lock()

    def listen(self, wake: Wake) -> Callable[[], None]:
        """Call `wake`, which must neither wait nor raise, at all news from now on. Gives what ends that."""
        with self._lock:
            self._listeners = (*self._listeners, wake)

        def end() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not wake)

        return end

    def stir(self) -> None:
        """There is something new."""
        for wake in self._listeners:
            wake()
