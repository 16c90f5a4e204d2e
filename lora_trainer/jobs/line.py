"""The order in which jobs have their turn: by priority, then by place."""

from __future__ import annotations

from collections.abc import Iterator

from .job import Job
from .states import IN_LINE


def turn_of(job: Job) -> tuple[int, float]:
    """What jobs are sorted by: whoever is next comes first."""
    return -job.record.priority, job.record.place


class Line:
    """The jobs that wait; one that was paused or stopped meanwhile is passed over, and comes anew when it goes on.

    Not safe for threads: its owner holds a lock.
    """

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def __iter__(self) -> Iterator[Job]:
        """Whoever is next comes first."""
        return iter(sorted(filter(_waits, self._jobs), key=turn_of))

    def __len__(self) -> int:
        return sum(map(_waits, self._jobs))

    def __contains__(self, job: Job) -> bool:
        return job in self._jobs and _waits(job)

    def join(self, job: Job) -> None:
        self._jobs = [*(one for one in self._jobs if _waits(one) and one is not job), job]

    def leave(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)

    def first(self) -> Job | None:
        return next(iter(self), None)

    def move(self, job: Job, before: Job | None, after_place: float) -> None:
        """Put a job that waits before another one, or behind all of them; it takes that one's priority.

        All have places behind `after_place`: that of the job that runs.
        """
        others = [one for one in self if one is not job]
        number = others.index(before) if before in others else len(others)
        neighbours = others[number] if number < len(others) else others[-1] if others else job
        others.insert(number, job)
        job.change(priority=neighbours.record.priority)
        for number, one in enumerate(others, 1):
            if one.record.place != after_place + number:
                one.change(place=after_place + number)


def _waits(job: Job) -> bool:
    return job.state in IN_LINE
