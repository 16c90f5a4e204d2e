"""What a job told so far: events with cursor numbers, read by any number of readers at their own pace."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..events import Event, Started, Step, Validated
from .news import News


class Feed:
    """Events numbered from 1. A reader asks for what came after the number that it has seen.

    `earlier` gives the events of a job that an earlier program ran, and is asked when somebody reads. `id` names the
    numbering: after a start of the program it is another one, and a reader that knows the old one begins anew.
    """

    def __init__(self, earlier: Callable[[], Iterable[Event]] = tuple) -> None:
        self.id = secrets.token_hex(4)
        self.news = News()
        """Stirs with every event."""
        self._earlier: Callable[[], Iterable[Event]] | None = earlier
        self._events: list[Event] = []
        self._steps: list[Step] = []
        self._validations: list[Validated] = []
        self._lock = threading.RLock()

    def __len__(self) -> int:
        with self._known():
            return len(self._events)

    def append(self, event: Event) -> int:
        """Add an event and return its number."""
        with self._known():
            self._events.append(event)
            self._note(event)
            number = len(self._events)
        self.news.stir()
        return number

    def after(self, number: int, limit: int = 500) -> list[tuple[int, Event]]:
        """At most `limit` events that came after event `number`, with their numbers."""
        start = max(0, number)
        with self._known():
            return list(enumerate(self._events[start : start + max(0, limit)], start + 1))

    def curve(self, points: int = 600) -> dict[str, Any]:
        """At most `points` steps of the loss curve, spread over the whole run.

        Of the steps that fall on one point, the one whose loss lies farthest from the smoothed one is given: spikes
        stay in sight. `rates` holds a list for each group of parameters, None where a step had no such group.
        """
        with self._known():
            steps, validations = list(self._steps), list(self._validations)
        shown = _thinned(steps, max(1, points))
        groups = list(dict.fromkeys(group for step in shown for group in step.rates))
        return {
            "steps": [step.step for step in shown],
            "loss": [step.loss for step in shown],
            "smooth": [step.smooth_loss for step in shown],
            "validation": [[one.step, one.loss] for one in validations],
            "rates": {group: [step.rates.get(group) for step in shown] for group in groups},
        }

    @contextmanager
    def _known(self) -> Iterator[None]:
        """Under the lock, and with the earlier events read."""
        with self._lock:
            if self._earlier is not None:
                earlier, self._earlier = self._earlier, None
                for event in earlier():
                    self._events.append(event)
                    self._note(event)
            yield

    def _note(self, event: Event) -> None:
        """Keep the curve. A run that goes on from a state takes the steps after it again."""
        if isinstance(event, Step):
            self._steps.append(event)
        elif isinstance(event, Validated):
            self._validations.append(event)
        elif isinstance(event, Started):
            self._steps = [step for step in self._steps if step.step <= event.first_step]
            self._validations = [one for one in self._validations if one.step <= event.first_step]


def _thinned(steps: Sequence[Step], points: int) -> list[Step]:
    if len(steps) <= points:
        return list(steps)
    edges = [number * len(steps) // points for number in range(points + 1)]
    return [
        max(steps[start:end], key=lambda step: abs(step.loss - step.smooth_loss))
        for start, end in itertools.pairwise(edges)
    ]
