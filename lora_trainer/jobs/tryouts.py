"""Trying saves out: all grids of a host's jobs, drawn one after another, and those that earlier programs have drawn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import NotFound, UserError
from ..host.base import Host
from ..judging.words import has_word
from ..sentences import Sentence
from .drawing import TryOut
from .grid import OPEN, WAITING, Grid
from .grid_file import kept_grid
from .job import Job
from .tryout_request import TryOutRequest, usual_request
from .turn import Turn

MOST_WAITING = 8
LAST_PICTURE = 30.0
"""Seconds that the end of the program waits for a picture."""


class TryOuts:
    """All try-outs of a host. Each is drawn in a thread of its own, when it is its turn on the model.

    `runs_wait` says whether trainings wait for the model. `jobs` are those whose grids may have been drawn before this
    program began.
    """

    def __init__(
        self,
        host: Host,
        turn: Turn,
        runs_wait: Callable[[], bool] = lambda: False,
        jobs: Callable[[], Sequence[Job]] = tuple,
    ) -> None:
        self._host, self._turn, self._runs_wait, self._jobs = host, turn, runs_wait, jobs
        self._all: dict[str, TryOut] = {}
        self._earlier: dict[str, Grid] = {}
        """What earlier programs have drawn, as far as somebody has asked for it."""
        self._lock = threading.Lock()

    def start(self, job: Job, request: TryOutRequest, *, single: bool = False) -> TryOut:
        """Begin to draw; a new grid takes the place of the job's last one, which is drawn no further.

        Raises UserError for what cannot be drawn, or when too much is waiting.
        """
        request.check()
        with self._lock:
            mine = (one for one in self._all.values() if one.job.record.owner == job.record.owner)
            asked_for = (one for one in mine if not one.automatic)
            if sum(one.state == WAITING for one in asked_for) >= MOST_WAITING:
                raise UserError(Sentence("tryouts_wait", "Too many try-outs are waiting: stop some of them first."))
            return self._begin(TryOut(job, request, self._turn, single=single))

    def begin_usual(self, job: Job) -> TryOut | None:
        """Begin the usual grid of a run that has ended; None where there is nothing to show, or a user draws already.

        Nobody waits for it: it is drawn when no training and no other try-out wants the model.
        """
        with self._lock:
            busy = any(one.job is job and one.state in OPEN and not one.automatic for one in self._all.values())
            if busy or not any(save.final for save in job.saves()):
                return None
            return self._begin(TryOut(job, usual_request(job), self._turn, yields=self._runs_wait))

    def _begin(self, tryout: TryOut) -> TryOut:
        if not tryout.single:
            self._earlier_of(tryout.job)  # its pictures stay those of its saves
            for other in self._all.values():
                if other.job is tryout.job and not other.single:
                    other.stop()
        self._all[tryout.id] = tryout
        if not tryout.single:
            tryout.job.change(tryout=tryout.id)
        tryout.begin(self._host)
        return tryout

    def forget(self, job: Job) -> None:
        """Draw nothing more of a job that is deleted."""
        with self._lock:
            for tryout in [one for one in self._all.values() if one.job is job]:
                tryout.stop()
                del self._all[tryout.id]
            for grid in [one for one in list(self._earlier.values()) if one.job is job]:
                del self._earlier[grid.id]

    def close(self) -> None:
        """Draw nothing more, and wait for the picture that is being drawn: the program is about to end."""
        with self._lock:
            tryouts = list(self._all.values())
        for tryout in tryouts:
            tryout.stop()
        for tryout in tryouts:
            tryout.wait(LAST_PICTURE)

    def get(self, tryout_id: str) -> Grid:
        """Also the newest grid of a job that an earlier program drew. Raises NotFound when there is no such try-out."""
        grid = self._all.get(tryout_id) or self._earlier.get(tryout_id)
        if grid is None:
            job = next((job for job in self._jobs() if tryout_id and job.record.tryout == tryout_id), None)
            grid = self._earlier_of(job) if job else None
        if grid is None:
            raise no_tryout(tryout_id)
        return grid

    def is_drawing(self, job: Job) -> bool:
        """Whether the job's newest grid is being drawn, or waits for that."""
        grid = self._all.get(job.record.tryout)
        return grid is not None and grid.state in OPEN

    def _earlier_of(self, job: Job) -> Grid | None:
        """The newest grid of a job where an earlier program drew it; read once."""
        grid_id = job.record.tryout
        if grid_id in self._all or job.deleted:
            return None
        grid = self._earlier.get(grid_id) or kept_grid(job)
        return grid and self._earlier.setdefault(grid_id, grid)

    def picture_of(self, job: Job, save: str, strength: float) -> Path | None:
        """The newest picture of a save at a strength, as a preview of it: one with the word, where there is any."""
        step = next((one.step for one in job.saves() if one.file == save), None)
        self._earlier_of(job)
        with self._lock:
            grids = [one for one in (*self._earlier.values(), *self._all.values()) if one.job is job]
        pictures = [
            (has_word(grid.request.prompts[cell.prompt], job.trigger_word), cell.path)
            for grid in grids[::-1]
            for cell in list(grid.cells)[::-1]
            if (grid.steps[cell.save], cell.strength) == (step, strength)
        ]
        return next((path for _, path in sorted(pictures, key=lambda one: not one[0]) if path.is_file()), None)


def no_tryout(tryout_id: str) -> NotFound:
    return NotFound(Sentence("no_tryout", "There is no try-out '{id}' (any more).", id=tryout_id))
