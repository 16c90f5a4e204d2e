"""All jobs of a host: one runs at a time on each device, the others wait in line. They outlive the program."""

from __future__ import annotations

import builtins
import contextlib
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checks import check
from ..config import TrainConfig
from ..errors import LoraExists, UserError
from ..files.names import EXTENSION, safe_stem
from ..host.base import Host
from ..sentences import Sentence, lora_exists
from .bases import base_of
from .copies import free_id
from .job import Job, no_job
from .ledger import Ledger
from .line import Line, turn_of
from .news import News
from .opening import open_list
from .places import Place, places_of
from .record import Record
from .recovery import go_on, goes_on_unasked, in_own_folder, revived
from .runner import InPlaceRunner, Runner
from .states import ENDED, INTERRUPTED, ON_THE_MODEL, QUEUED, RESTING
from .turn import Turn
from .workers import Workers

if TYPE_CHECKING:
    from .store import JobStore

log = logging.getLogger(__name__)
LAST_MOMENTS = 10.0  # seconds


class Jobs:
    """Takes trainings and runs them one after another, in threads of its own, in folders below `folder`.

    What is known of them is kept beside that folder. Jobs of a program that has ended are there again at the next
    start, interrupted where they ran or waited; nothing begins by itself.

    `places` says where they may run, the host's own model first, and is asked when the first job comes; without it
    they run on the host's own alone, by `runner`.
    """

    def __init__(
        self,
        host: Host,
        folder: Path,
        *,
        turn: Turn | None = None,
        runner: Runner | None = None,
        places: Callable[[], Sequence[Place]] | None = None,
    ) -> None:
        self.turn = turn or Turn()
        self.on_end: builtins.list[Callable[[Job], None]] = []
        """Told, in the thread that ran it, of every job that has been run until it ended or was paused."""
        self.left: builtins.list[Job] = []
        """What ran or waited when an earlier program ended, as this one found it at its start."""
        self.metered: Callable[[Job], AbstractContextManager[Any]] = nullcontext
        """What a job runs in: entered when it has the model, left when it gives it back."""
        self.may_run: Callable[[Job], str] = lambda job: ""
        """Asked when it is a job's turn: why it may not have it, empty when it may."""
        self._host, self._folder = host, folder
        self._jobs: dict[str, Job] = {}
        self._line = Line()
        self._runner = runner or InPlaceRunner(host)
        places = places or (lambda: places_of(host, self._runner))
        self.workers = Workers(self._line, self.turn, places, self._run, self._tell_of_end)
        self._line_lock = self.workers.line_lock
        self._store: JobStore | None = None
        self._remark = ""
        self._ledger = self._opened()

    @property
    def problem(self) -> str:
        """Why what is known of jobs is not kept, or what became of a damaged list; empty while all is well."""
        return self._ledger.problem or self._remark

    @property
    def news(self) -> News:
        """Stirs whenever a job comes, changes or goes."""
        return self._ledger.news

    def submit(
        self,
        config: TrainConfig,
        *,
        replace: bool = False,
        dataset: str = "",
        values: Mapping[str, Any] | None = None,
        priority: int = 0,
        owner: str = "",
    ) -> Job:
        """Line up a training. `values` are what the user set, to be shown again; `save.output` is the job's own folder.

        Raises ConfigError for wrong options, LoraExists when the LoRA folder has one of that name that is not to be
        replaced, UserError when the job cannot be kept over the end of the program.
        """
        with self._line_lock:
            if self._store is None:  # what was in the way at the start may be gone
                self._ledger = self._opened()
        job_id = free_id(self._folder)
        config = in_own_folder(config, self._folder, job_id)
        check(config, lambda _: self._host.describe())
        stem = safe_stem(config.save.name)
        if not replace and any(self._host.lora_folder().rglob(stem + EXTENSION)):
            raise LoraExists(lora_exists(stem))
        base = base_of(self._host.describe())
        known = {"dataset": dataset, "base": base, "replace": replace, "owner": owner, "priority": priority}
        job = Job(Record.new(job_id, config, values, **known), config, self._enqueue)
        job.line_lock = self._line_lock
        self._ledger.enter(job)
        with self._line_lock:
            self._jobs[job_id] = job
        self._enqueue(job)
        return job

    def get(self, job_id: str) -> Job:
        """Raises NotFound when there is no such job."""
        job = self._jobs.get(job_id)
        if job is None:
            raise no_job(job_id)
        return job

    def list(self) -> list[Job]:
        """All jobs, the newest first."""
        with self._line_lock:
            return list(self._jobs.values())[::-1]

    def line(self) -> builtins.list[Job]:
        """The jobs that wait for their turn; whoever is next comes first."""
        with self._line_lock:
            return list(self._line)

    def current(self) -> Job | None:
        """The job to show first: the one on the model, else one that waits or rests, else the newest."""
        order = [ON_THE_MODEL, (QUEUED,), RESTING, ENDED]
        return min(self.list(), key=lambda job: [job.state in states for states in order].index(True), default=None)

    def everybody_in_line(self) -> builtins.list[Job]:
        """As `line`, whoever asks."""
        return self.line()

    def waiting(self) -> bool:
        """Whether any job waits."""
        return len(self._line) > 0

    def wanted_here(self) -> bool:
        """Whether any job waits that might be run on the host's own model."""
        return self.workers.wanted_here()

    def everywhere(self) -> builtins.list[tuple[Place, Job | None]]:
        """All places where jobs run, whoever asks, the host's own first, with the one that is there."""
        with self._line_lock:
            return [(place, self.workers.running.get(place)) for place in self.workers.places]

    def move(self, job: Job, before: Job | None = None) -> None:
        """Put a job that waits before another one, or behind all. Raises UserError when one of them does not wait."""
        with self._line_lock:
            if job not in self._line or (before is not None and before not in self._line):
                raise UserError(Sentence("not_waiting", "Only runs that wait for their turn have a place in line."))
            running = (one.record.place for one in self.workers.running.values())
            self._line.move(job, before, max(running, default=0.0))
        self.workers.make_way()

    def permute(self, wished: builtins.list[Job]) -> None:
        """Give jobs that wait the places that they have among them in another order; nobody else's place changes."""
        with self._line_lock:
            if any(job not in self._line for job in wished):
                raise UserError(Sentence("not_waiting", "Only runs that wait for their turn have a place in line."))
            places = [(job.record.priority, job.record.place) for job in self._line if job in wished]
            for job, (priority, place) in zip(wished, places):
                if (job.record.priority, job.record.place) != (priority, place):
                    job.change(priority=priority, place=place)
        self.workers.make_way()

    def prefer(self, job: Job, priority: int) -> None:
        """Give a job another priority (0 is usual): a more important one lets the running one step aside."""
        job.change(priority=priority)
        self.workers.make_way()

    def delete(self, job: Job) -> None:
        """Forget a job with all its files; what was put into the LoRA folder stays. Raises UserError."""
        with self._line_lock:
            ends = job.state not in ON_THE_MODEL  # a run that has ended gives the model back in a moment
            gone = self._line_lock.wait_for(
                lambda: job not in self.workers.running.values(), LAST_MOMENTS if ends else 0
            )
            if not (ends and gone):
                raise UserError(Sentence("job_runs", "'{name}' is running: stop it first.", name=job.record.name))
            self._line.leave(job)
            job.deleted = True
        shutil.rmtree(self._folder / job.id, ignore_errors=True)  # first: a full disk lets the list change only then
        try:
            self._ledger.forget(job)
        except UserError:
            job.deleted = False
            raise
        with self._line_lock:
            self._jobs.pop(job.id, None)
            self.workers.forget(job)

    def users_of(self, dataset: str, folder: Path) -> builtins.list[Job]:
        """The jobs on a data set, which lies in that folder, whoever's they are."""
        read = [(job, {Path(one.path) for one in job.config.data.folders}) for job in self.list()]
        return [job for job, folders in read if dataset == job.record.dataset or folder in folders]

    def resume_all(self) -> None:
        """Go on with all that the end of the program left, in its order. Raises UserError for what cannot, at last."""
        go_on(self.interrupted())

    def go_on(self) -> None:
        """The same at the start of the program, unasked: what brought it down again and again stays where it is."""
        with contextlib.suppress(UserError):  # what cannot go on says so when somebody wants it to
            go_on([job for job in self.interrupted() if goes_on_unasked(job)])

    def interrupted(self) -> builtins.list[Job]:
        """What the end of the program left lying, whoever was next first."""
        return sorted((job for job in self.list() if job.state == INTERRUPTED), key=turn_of)

    def end(self, seconds: float) -> bool:
        """Begin nothing more, and let what runs step aside for the next program; whether it has, in that time."""
        return self.workers.end(seconds)

    def close(self) -> None:
        """Let another program have the jobs: this one is about to end, and runs none any more."""
        self._ledger.close()
        if self._store is not None:
            self._store.close()

    def _opened(self) -> Ledger:
        """The jobs that earlier programs left, in the ledger that goes on with them."""
        try:
            self._store, records = open_list(self._folder)
        except UserError as error:
            log.warning("%s", error)
            return Ledger(None, self._folder, error.sentence)
        self._remark = self._store.put_aside or ""
        ledger = Ledger(self._store, self._folder)
        for record in records:
            try:
                job = revived(record, self._folder, self._enqueue)
            except UserError as error:  # a record that makes no job keeps no other from going on
                log.error("The run %s cannot be shown any more: %s", record.id, error)
                continue
            job.line_lock = self._line_lock
            ledger.take_over(job, record)
            self._jobs[job.id] = job
            if job.state != record.state:
                self.left.append(job)
        return ledger

    def _enqueue(self, job: Job) -> None:
        with self._line_lock:
            if not job.record.place:
                known = [*self._line, *self.workers.running.values()]
                job.change(place=1.0 + max((one.record.place for one in known), default=0.0))
            self._line.join(job)
        self.workers.begin()
        self.workers.make_way()

    def _run(self, job: Job, place: Place) -> None:
        try:
            if job.state == QUEUED and (reason := self.may_run(job)):
                job.hold_back(reason)
            if job.begin(place.name):
                self.workers.make_way()  # somebody may have come while it began
                with self.metered(job):
                    place.runner.run(job)
                self._tell_of_end(job)
        except Exception:  # whatever a runner does, those in line behind it have their turn
            log.exception("The job %s could not be run.", job.id)

    def _tell_of_end(self, job: Job) -> None:
        for listener in self.on_end:
            try:
                listener(job)
            except Exception:  # what one listener cannot do, the others can
                log.exception("The end of the job %s could not be followed up.", job.id)
