"""When the steps of a run are done, told by the run itself, in this process or in one of its own."""

from __future__ import annotations

import itertools
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

WAITS = Path("/proc/thread-self/schedstat")


class Mark(NamedTuple):
    """A finished step: by the clock, by the processor time of the run's thread, and by how long that has waited for its
    core, where other programs were at work."""

    clock: float
    cpu: float
    waited: float


def mark() -> Mark:
    """Of the calling thread, now."""
    return Mark(time.perf_counter(), time.thread_time(), _waited())


@dataclass(frozen=True)
class Step:
    """Seconds of a step by the clock, of the processor, and without the core that it wanted."""

    wall: float
    cpu: float
    waited: float

    @property
    def own(self) -> float:
        """By the clock, less what programs that have nothing to do with this took away: what a quiet machine shows."""
        return self.wall - self.waited


@dataclass
class Clock:
    """The marks of a run in this process."""

    marks: list[Mark] = field(default_factory=list)

    def read(self) -> list[Mark]:
        return self.marks

    def others(self) -> float:
        """CPU seconds of this process, less those of the run up to its newest step."""
        return time.process_time() - self.marks[-1].cpu

    def steps(self, begin: float, end: float) -> list[Step]:
        """The steps between two moments."""
        marks = [mark for mark in self.read() if begin <= mark.clock <= end]
        return [Step(*(after - before for before, after in zip(*pair))) for pair in itertools.pairwise(marks)]


@dataclass
class FarClock(Clock):
    """The marks that a process of its own writes into `file`, a line each. The clock is the system's, for both."""

    file: Path = Path(os.devnull)

    def read(self) -> list[Mark]:
        if not self.file.exists():
            return []
        whole = self.file.read_text(encoding="ascii").rpartition("\n")[0]
        return [Mark(*json.loads(line)) for line in whole.splitlines()]

    def others(self) -> float:
        return time.process_time()


def keep_on(core: int | None) -> None:
    """Keep the calling thread, and those that it begins, on that core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def _waited() -> float:
    """Seconds for which the calling thread could have gone on, had its core been free; 0 where nobody counts them."""
    try:
        return int(WAITS.read_text().split()[1]) / 1e9
    except OSError:
        return 0.0
