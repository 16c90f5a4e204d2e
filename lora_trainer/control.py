"""How the outside steers a run: asked by the loop at every step boundary, set from any thread."""

from __future__ import annotations

import threading
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
        self._lock = threading.Lock()

    @property
    def wish(self) -> Wish:
        return self._wish

    def go_on(self) -> None:
        self._set(Wish.GO_ON)

    def pause(self) -> None:
        self._set(Wish.PAUSE)

    def stop_and_save(self) -> None:
        self._set(Wish.STOP_AND_SAVE)

    def stop(self) -> None:
        self._set(Wish.STOP)

    def _set(self, wish: Wish) -> None:
        hardness = [Wish.GO_ON, Wish.PAUSE, Wish.STOP_AND_SAVE, Wish.STOP]
        with self._lock:
            stopping = self._wish in (Wish.STOP_AND_SAVE, Wish.STOP)
            if not stopping or hardness.index(wish) > hardness.index(self._wish):
                self._wish = wish
