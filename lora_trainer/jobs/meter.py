"""What jobs take while they run, time on the model and the disk: looked at, and the sentence when it is used up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..errors import UserError
from ..sentences import Sentence
from .job import Job
from .limits import Limiter
from .line import turn_of
from .queue import Jobs
from .states import PAUSED

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds of a run between two looks at what its owner may still take."""
COUNT_EVERY = 60.0
"""Seconds of a run that the end of the program may leave uncounted."""
WAKE_EVERY = 30.0
"""Seconds between looks whether those who wait for time have got some."""
WEIGH_EVERY = 60.0
"""Seconds of a run between two looks at how much of the disk its owner uses: that takes a while."""
USED_UP = ("hours_used_up", "disk_used_up")
"""The sentences' codes, by which a later start knows who waits for time or room."""


@dataclass
class _Reading:
    """Of one job on the model: when its time was counted, it was looked at, and its owner's files were weighed last."""

    job: Job
    counted: float
    looked: float
    weighed: float


class Meter:
    """Pauses the jobs of an owner whose time or disk is used up, and lets them go on when there is some again."""

    def __init__(self, jobs: Jobs, limiter: Limiter, clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs, self._limiter, self._clock = jobs, limiter, clock
        self._waiter: threading.Thread | None = None
        self._lock, self._closed = threading.Lock(), threading.Event()
        jobs.metered, jobs.may_run = self.metered, self.may_run
        if self.held():
            self._wait_for_time()

    @contextmanager
    def metered(self, job: Job) -> Iterator[None]:
        """Inside, the job has the model and its time is counted; it is paused at the next step when all is used up."""
        now = self._clock()
        reading = _Reading(job, now, now, now)
        job.at_event = lambda: self._look(reading)
        try:
            yield
        finally:
            job.at_event = lambda: None
            self._count(reading)

    def may_run(self, job: Job) -> str:
        """Why a job may not have the model; empty when it may."""
        return self._without_time(job) or self._without_room(job)

    def _without_time(self, job: Job, more: float = 0.0) -> str:
        """What to say where the owner's time is used up, of which `more` seconds are not counted yet."""
        limit = self._limiter.hours_of(job.record.owner)
        if not limit or self._limiter.store.month(job.record.owner)[0] + more / 3600 < limit:
            return ""
        self._wait_for_time()
        sentence = (
            "The {limit} hours a month are used up: this goes on by itself when an admin gives more, or next month."
        )
        return Sentence("hours_used_up", sentence, limit=f"{limit:g}")

    def _without_room(self, job: Job) -> str:
        """What to say where the owner's disk is used up."""
        owner = job.record.owner
        room = self._limiter.room_of(owner) if owner else None
        if room is None or room > 0:
            return ""
        self._wait_for_time()
        sentence = (
            "The {limit} GB for data sets and runs are used up: this goes on by itself when you have deleted some, or "
            "an admin gives more."
        )
        return Sentence("disk_used_up", sentence, limit=f"{self._limiter.store.of(owner).disk:g}")

    def held(self) -> list[Job]:
        """The jobs that wait for time or room, whoever is next first."""
        waiting = (job for job in self._jobs.list() if job.state == PAUSED)
        return sorted((job for job in waiting if getattr(job.record.message, "code", "") in USED_UP), key=turn_of)

    def look_again(self) -> None:
        """Let all go on that have time and room now."""
        for job in self.held():
            try:
                if not self.may_run(job):
                    job.resume()
            except UserError as error:
                log.warning("'%s' cannot go on: %s", job.record.name, error)

    def close(self) -> None:
        """The program is about to end."""
        self._closed.set()

    def _look(self, reading: _Reading) -> None:
        now = self._clock()
        if now - reading.looked < LOOK_EVERY:
            return
        reading.looked = now
        if now - reading.counted >= COUNT_EVERY:
            self._count(reading)
        reason = self._without_time(reading.job, now - reading.counted)
        if not reason and now - reading.weighed >= WEIGH_EVERY:
            reading.weighed, reason = now, self._without_room(reading.job)
        if reason:
            reading.job.rest(reason)

    def _count(self, reading: _Reading) -> None:
        now, owner = self._clock(), reading.job.record.owner
        if owner:
            try:
                self._limiter.store.count(owner, seconds=now - reading.counted)
            except UserError as error:  # a full disk is told by all else; the run goes on
                log.warning("The time of a run could not be counted: %s", error)
        reading.counted = now

    def _wait_for_time(self) -> None:
        """Look from now on, again and again, whether there is time, or room."""
        with self._lock:
            if self._waiter is None and not self._closed.is_set():
                self._waiter = threading.Thread(target=self._wait, name="train-lora hours", daemon=True)
                self._waiter.start()

    def _wait(self) -> None:
        while not self._closed.wait(WAKE_EVERY):
            self.look_again()
