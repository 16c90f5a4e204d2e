"""How much of the disk each user's data sets and runs take."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..datasets.store import DataSets
from ..files.sizes import bytes_at
from .limits import GB
from .queue import Jobs

KEPT_SECONDS = 5.0
"""For how long a measure holds: an upload of a thousand pictures asks a thousand times."""


class Space:
    """Measures what users own."""

    def __init__(self, datasets: DataSets, jobs: Jobs) -> None:
        self._datasets, self._jobs = datasets, jobs
        self._known: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> float:
        """Gigabytes; folders opened in place are not counted."""
        with self._lock:
            measured, gigabytes = self._known.get(name, (-KEPT_SECONDS, 0.0))
            if time.monotonic() - measured >= KEPT_SECONDS:
                coming = self._datasets.uploads.expected(self._sets(name))
                gigabytes = (coming + sum(map(bytes_at, self._folders(name)))) / GB
                self._known[name] = time.monotonic(), gigabytes
            return gigabytes

    def reserve(self, name: str, more: int) -> None:
        """Count bytes that are about to come until all is measured anew."""
        with self._lock:
            if name in self._known:
                measured, gigabytes = self._known[name]
                self._known[name] = measured, gigabytes + more / GB

    def _sets(self, name: str) -> set[str]:
        return {id for id, names in self._datasets.owners.all().items() if name in names}

    def _folders(self, name: str) -> Iterator[Path]:
        sets = self._sets(name)
        yield from (one.path for one in self._datasets.list() if one.own and one.id in sets)
        yield from (Path(job.config.save.output) for job in self._jobs.list() if job.record.owner == name)
