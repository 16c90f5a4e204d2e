"""Turns step results into Step events: smooth loss, seconds, and the count of bad steps in a row."""

from __future__ import annotations

import time
from typing import Any

SMOOTHING = 0.98


class Meter:
    """Keeps what a reader of a run wants to know over many steps. Its `state` goes into the run's state."""

    def __init__(self) -> None:
        self._mean, self._weight = 0.0, 0.0
        self._last = time.perf_counter()
        self.bad_in_a_row = 0
        self.bad_steps = 0
        self.seconds = 0.0

    def start(self) -> None:
        """Begin to count the time of a step; call again after anything that is not part of a step."""
        self._last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since `start` or the last lap."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        self.seconds += seconds
        return seconds

    def smooth(self, loss: float, finite: bool) -> float:
        """The exponential mean of the losses that are numbers, without the bias of its start."""
        if finite:
            self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * loss
            self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
            self.bad_in_a_row = 0
        else:
            self.bad_in_a_row += 1
            self.bad_steps += 1
        return self._mean / self._weight if self._weight else 0.0

    def state(self) -> dict[str, Any]:
        return {
            "mean": self._mean,
            "weight": self._weight,
            "bad_in_a_row": self.bad_in_a_row,
            "bad_steps": self.bad_steps,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._mean, self._weight = state["mean"], state["weight"]
        self.bad_in_a_row, self.bad_steps, self.seconds = state["bad_in_a_row"], state["bad_steps"], state["seconds"]
