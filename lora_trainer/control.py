"""How the outside steers a run: asked by the loop at every step boundary, set from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum


class Wish(Enum):
    """What the run was asked to do next."""

    GO_ON = "go on"
    PAUSE = "pause"
    STOP_AND_SAVE = "stop and save"
    STOP = "stop"


class Control:
    """A wish that threads may set at any time. Once a stop is wished, nothing but a harder stop replaces it."""

    def __init__(self) -> None:
        self._wish = Wish.GO_ON
        self._follower: Callable[[Wish], None] = lambda wish: None
        self._lock = threading.Lock()

    @property
    def wish(self) -> Wish:
        return self._wish

    def want(self, wish: Wish) -> None:
        """As the method of that wish."""
        self._set(wish)

    def go_on(self) -> None:
        self._set(Wish.GO_ON)

    def pause(self) -> None:
        self._set(Wish.PAUSE)

    def stop_and_save(self) -> None:
        self._set(Wish.STOP_AND_SAVE)

    def stop(self) -> None:
        self._set(Wish.STOP)

    @contextmanager
    def followed(self, told: Callable[[Wish], None]) -> Iterator[None]:
        """Inside, `told` hears the wish as it is, and all later ones in their order: for a run that is elsewhere."""
        with self._lock:
            self._follower = told
            told(self._wish)
        try:
            yield
        finally:
            with self._lock:
                self._follower = lambda wish: None

    def _set(self, wish: Wish) -> None:
        hardness = [Wish.GO_ON, Wish.PAUSE, Wish.STOP_AND_SAVE, Wish.STOP]
        with self._lock:
            stopping = self._wish in (Wish.STOP_AND_SAVE, Wish.STOP)
            if not stopping or hardness.index(wish) > hardness.index(self._wish):
                self._wish = wish
                self._follower(wish)
