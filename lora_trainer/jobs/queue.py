"""All jobs of a host: one runs at a time, the others wait in line."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import options
from ..checks import check
from ..config import TrainConfig
from ..errors import LoraExists, NotFound
from ..files.names import EXTENSION, safe_stem
from ..host.base import Host
from ..sentences import Sentence, lora_exists
from .job import Job, Record
from .runner import InPlaceRunner, Runner
from .states import ENDED, ON_THE_MODEL, PAUSED
from .turn import Turn

log = logging.getLogger(__name__)


class Jobs:
    """Takes trainings and runs them one after another, in a thread of its own, in folders below `folder`."""

    def __init__(self, host: Host, folder: Path, *, turn: Turn | None = None, runner: Runner | None = None) -> None:
        self.turn = turn or Turn()
        self.on_end: Callable[[Job], None] = lambda job: None
        """Told, in the thread that ran it, of every job that has been run until it ended or was paused."""
        self._host, self._folder = host, folder
        self._runner = runner or InPlaceRunner(host)
        self._jobs: dict[str, Job] = {}
        self._line: list[Job] = []
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def submit(
        self, config: TrainConfig, *, replace: bool = False, dataset: str = "", values: Mapping[str, Any] | None = None
    ) -> Job:
        """Line up a training. `values` are what the user set, to be shown again; `save.output` is the job's own folder.

        Raises ConfigError for wrong options, LoraExists when the LoRA folder has one of that name that is not to be
        replaced.
        """
        job_id = _new_id()
        config = self._in_own_folder(config, job_id)
        check(config, lambda _: self._host.describe())
        stem = safe_stem(config.save.name)
        if not replace and any(self._host.lora_folder().rglob(stem + EXTENSION)):
            raise LoraExists(lora_exists(stem))
        given = dict(values) if values is not None else options.to_values(config)
        record = Record(
            job_id, config.save.name, given, dataset, replace, created=time.time(), total_steps=config.steps
        )
        job = Job(record, config, self._enqueue)
        with self._news:
            self._jobs[job_id] = job
        self._enqueue(job)
        return job

    def get(self, job_id: str) -> Job:
        """Raises NotFound when there is no such job."""
        job = self._jobs.get(job_id)
        if job is None:
            raise NotFound(Sentence("no_job", "There is no run '{id}' (any more).", id=job_id))
        return job

    def list(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._news:
            return list(self._jobs.values())[::-1]

    def current(self) -> Job | None:
        """The job to show first: the one on the model, else one that waits or is paused, else the newest."""
        jobs = self.list()

        def order(job: Job) -> int:
            if job.state in ON_THE_MODEL:
                return 0
            return 3 if job.state in ENDED else 2 if job.state == PAUSED else 1

        return min(jobs, key=order, default=None)

    def waiting(self) -> bool:
        """Whether any job waits for the model."""
        return bool(self._line)

    def _enqueue(self, job: Job) -> None:
        with self._news:
            if job not in self._line:
                self._line.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="train-lora jobs", daemon=True)
                self._thread.start()
            self._news.notify_all()

    def _work(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._line)
                job = self._line[0]
            with self.turn.taken(job.record.name, job.id):
                with self._news:
                    self._line.remove(job)
                self._run(job)

    def _run(self, job: Job) -> None:
        try:
            if job.begin():
                self._runner.run(job)
                self.on_end(job)
        except Exception:  # whatever a runner does, those in line behind it have their turn
            log.exception("The job %s could not be run.", job.id)

    def _in_own_folder(self, config: TrainConfig, job_id: str) -> TrainConfig:
        save = replace(config.save, output=str((self._folder / job_id).resolve()), log_folder="")
        return replace(config, save=save, data=replace(config.data, cache_folder=""))


def _new_id() -> str:
    """Sorts by time, and fits every file system and address."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
