"""Keeps the records of jobs in the store as they change."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .copies import Copies
from .job import Job
from .news import News
from .record import Record

if TYPE_CHECKING:
    from .store import JobStore

log = logging.getLogger(__name__)

STEPS_EVERY = 2.0
"""Seconds between two writings of a record in which only the step has changed."""
AGAIN_AFTER = 30.0
"""Seconds before another try where only the step has changed since one failed: each may wait for a dead drive."""
NEVER = None, float("-inf")


class Ledger:
    """Writes what has changed, to the store and to the job's own folder below `folder`; steps only to the store.

    What cannot be written is told by `problem`, and written with the next change or after a while.

    A run goes on when the disk is full: its own files tell how far it came.
    """

    def __init__(self, store: JobStore | None, folder: Path, problem: str = "") -> None:
        self._store, self._copies = store, Copies(folder)
        self.problem = problem
        """Why the records are not kept at present; empty while they are."""
        self.news = News()
        """Stirs whenever a job comes, changes or goes."""
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Record, float]] = {}
        self._tried: tuple[Record | None, float] = NEVER
        """What could not be written (but for its step), and when that was tried last."""
        self._pending: dict[str, Job] = {}
        self._timer: threading.Timer | None = None
        self._closed = False

    def enter(self, job: Job) -> None:
        """Keep a new job, and from now on all that changes of it. Raises UserError when it cannot be kept."""
        if self._store is None:
            raise UserError(self.problem)
        with self._lock:
            self._store.put(job.record)
        job.listener = self.note
        self.note(job)

    def take_over(self, job: Job, kept: Record) -> None:
        """Keep what changes of a job that is in the store already, and what it is by now other than `kept` there."""
        if self._copies.has(job.id):
            self._kept[job.id] = (kept, time.monotonic())
        job.listener = self.note
        self.note(job)

    def note(self, job: Job) -> None:
        """Write the record as it is now, if that is due, and tell of it."""
        try:
            if self._store is not None and self._write(job, self._store):
                self._pending.pop(job.id, None)
        except UserError as error:
            if not self.problem:
                log.warning("%s", error)
            self.problem = error.sentence
            self._pending[job.id] = job
            self._try_later()
        self.news.stir()

    def close(self) -> None:
        """Write nothing more of what could not be written."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()

    def _try_later(self) -> None:
        with self._lock:
            if self._closed or (self._timer is not None and self._timer.is_alive()):
                return
            self._timer = threading.Timer(1.1 * AGAIN_AFTER, self._catch_up)
            self._timer.daemon = True
            self._timer.start()

    def _catch_up(self) -> None:
        """A job that ended while the disk was full changes no more by itself."""
        self._timer = None
        for job in list(self._pending.values()):
            self.note(job)

    def forget(self, job: Job) -> None:
        """Keep nothing of a job that is marked as deleted. Raises UserError."""
        with self._lock:
            self._kept.pop(job.id, None)
            self._copies.forget(job.id)
            if self._store is not None:
                self._store.delete(job.id)
        self.news.stir()

    def _write(self, job: Job, store: JobStore) -> bool:
        """Under the lock the newest record is written, whoever comes first; whether nothing is left to be written."""
        with self._lock:
            record, now = job.record, time.monotonic()
            kept, written = self._kept.get(job.id, (None, 0.0))
            same = kept is not None and _without_step(kept) == _without_step(record)
            if job.deleted or (same and (record == kept or now - written < STEPS_EVERY)):
                return True
            tried, at = self._tried
            if now - at < AGAIN_AFTER and _without_step(record) == tried:
                return False
            self._tried = _without_step(record), now
            try:
                store.put(record)
            finally:
                if not same:
                    self._copies.write(record, store.name)
            self._kept[job.id], self._tried = (record, now), NEVER
            self.problem = ""
            return True


def _without_step(record: Record) -> Record:
    return replace(record, step=0, seconds_left=0.0)
