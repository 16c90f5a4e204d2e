"""What jobs need of the memory of places, asked once for each job and kind of device."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..config import TrainConfig
from ..estimate.sizes import gigabytes
from ..sentences import Sentence
from .job import Job
from .places import Place

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Demand:
    """Bytes that a run needs, and what would make them less (empty: nothing that is known)."""

    bytes: int
    advice: str = ""


Ask = Callable[[TrainConfig], Demand]
"""What a run needs on the device that its options name. May take seconds, and raise whatever making models raises."""


class Needs:
    """Remembers. A job whose need cannot be told is tried where most is free."""

    def __init__(self) -> None:
        self.ask: Ask | None = None
        """Missing: no need is ever known."""
        self._known: dict[tuple[str, str], Demand | None] = {}
        self._lock = threading.Lock()
        self._largest: dict[str, str] = {}
        """The devices on which jobs are tried all the same that were told that they fit nowhere."""

    def knows(self, job: Job, places: Sequence[Place]) -> bool:
        """Whether `of` says all that can be said."""
        return self.ask is None or all((job.id, _kind(place)) in self._known for place in places)

    def learn(self, job: Job, places: Sequence[Place]) -> None:
        """Ask, which takes a while."""
        with self._lock:  # who comes second finds it known
            for place in places:
                key = (job.id, _kind(place))
                if self.ask is not None and key not in self._known:
                    self._known[key] = self._asked(job, place, self.ask)

    def of(self, job: Job, place: Place) -> int | None:
        """Bytes; None where nobody knows."""
        demand = self._demand(job, place)
        return None if demand is None or self._largest.get(job.id) == place.device else demand.bytes

    def forget(self, job: Job) -> None:
        for key in [key for key in self._known if key[0] == job.id]:
            self._known.pop(key, None)
        self._largest.pop(job.id, None)

    def refused(self, job: Job, places: Sequence[Place]) -> Sentence:
        """Why a job fits nowhere. Whoever lines it up again wants it tried."""
        largest = max(places, key=lambda place: place.memory()[1])
        self._largest[job.id] = largest.device
        demand = self._demand(job, largest) or Demand(0)
        sentence = (
            "Needs about {need} GB, but the largest device, {device}, has {total} GB. {advice} Resume tries it there "
            "all the same."
        )
        values = {"need": gigabytes(demand.bytes), "device": largest.name, "total": gigabytes(largest.memory()[1])}
        return Sentence("fits_no_device", sentence, **values, advice=demand.advice)

    def cramped(self, job: Job, places: Sequence[Place]) -> Sentence:
        """Why a job waits though a place is empty."""
        roomiest = max(places, key=lambda place: place.memory()[0])
        demand = self._demand(job, roomiest) or Demand(0)
        sentence = "Waits for room: needs about {need} GB, and {free} GB are free on {device} now."
        values = {"need": gigabytes(demand.bytes), "device": roomiest.device, "free": gigabytes(roomiest.memory()[0])}
        return Sentence("waits_for_room", sentence, **values)

    def _demand(self, job: Job, place: Place) -> Demand | None:
        return self._known.get((job.id, _kind(place)))

    def _asked(self, job: Job, place: Place, ask: Ask) -> Demand | None:
        try:
            memory = replace(job.config.memory, device=place.device)
            return ask(replace(job.config, memory=memory))
        except Exception as error:  # noqa: BLE001  what is wrong with it, its run will say
            log.info("What the run %s needs is not known: %s", job.id, error)
            return None


def _kind(place: Place) -> str:
    """Devices of one kind need the same."""
    return place.device.partition(":")[0]
