"""The desk: the one object that the page and the API read and write."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import options
from ..accounts import Accounts, Audit
from ..config import TrainConfig
from ..datasets.own import OwnDataSets, OwnRoots
from ..datasets.store import DataSets
from ..errors import ConfigError, NotFound, UserError
from ..files.names import EXTENSION, next_name, safe_stem
from ..history import Ballots, History
from ..host.base import Host
from ..notices import FOLDER as NOTICES
from ..notices import Notices
from ..presets import FOLDER as PRESETS
from ..presets import OwnPresets, Preset, load_presets
from ..sentences import Sentence
from ..visitor import NOBODY_IN_PARTICULAR, Visitor
from .advisor import Advisor
from .captioning import UNDER_WAY, Captionings
from .forecast import Forecaster
from .habits import Habits
from .inquiries import Inquiries
from .job import Job
from .keep import Kept, keep
from .limits import Limiter, LimitStore
from .meter import Meter
from .own import OwnCaptionings, OwnInquiries, OwnJobs, OwnRegularizations, OwnTryOuts
from .past import history_of
from .places import Place, places_of, runner_apart
from .queue import Jobs
from .regularization import Regularizations
from .runner import InPlaceRunner
from .space import Space
from .states import ENDED, FINISHED, STOPPED
from .telling import Telling
from .tickets import Tickets
from .tryouts import TryOuts

log = logging.getLogger(__name__)


class Desk:
    """Everything that a page shows: the host, data sets and their captioning, presets, jobs and try-outs.

    `elsewhere` names further devices for runs, beside that of the host's model. With `apart`, runs on that one too have
    processes of their own: its model is any process's to open. With `goes_on`, or where that is a habit, what the end
    of the program interrupted goes on at once.
    """

    def __init__(
        self,
        host: Host,
        datasets: DataSets | None = None,
        jobs: Jobs | None = None,
        tryouts: TryOuts | None = None,
        presets: Callable[[], Sequence[Preset]] = load_presets,
        *,
        elsewhere: Callable[[], Sequence[str]] = tuple,
        apart: bool = False,
        goes_on: bool = False,
    ) -> None:
        self.host, self._shipped = host, presets
        self.own_presets = OwnPresets(host.data_folder() / PRESETS)
        self.datasets = datasets or DataSets(host.data_folder() / "datasets")
        self.datasets.uploads.sweep()
        self.jobs = jobs or Jobs(host, host.data_folder() / "runs", places=lambda: self._places(elsewhere(), apart))
        self.tryouts = tryouts or TryOuts(host, self.jobs.turn, self.jobs.wanted_here, self.jobs.list)
        self.captionings = Captionings(host, self.jobs.turn)
        self.forecaster = Forecaster(host)
        self.regularizations = Regularizations(host, self.jobs.turn, self.datasets, self.forecaster)
        self.advisor = Advisor(host, self.forecaster.scan, presets)
        self.inquiries = Inquiries(self.advisor, self.jobs.turn)
        self.jobs.workers.needs.ask = self.advisor.demand
        self.habits = Habits(host.data_folder() / "habits.json")
        self.notices = Notices(host.data_folder() / NOTICES)
        goes_on = goes_on or self.habits.goes_on
        telling = Telling(self.jobs, self.notices, goes_on=goes_on)
        self.jobs.on_end += [self._show_what_was_learned, telling.of_end]
        self.visitor = NOBODY_IN_PARTICULAR
        self.tickets, self.ballots = Tickets(), Ballots()
        self.space = Space(self.datasets, self.jobs)
        self.limiter = Limiter(LimitStore(host.data_folder()), self._jobs_of, self.space.of)
        self.audit = Audit(host.data_folder())
        self.accounts: Accounts | None = None
        """Who may sign in, where that is not the host's own business."""
        self.meter = Meter(self.jobs, self.limiter)
        if goes_on:
            self.jobs.go_on()

    def seen_by(self, visitor: Visitor) -> Desk:
        """This desk as it is for a visitor: what is others' is not there, and what is made is the visitor's own."""
        if not visitor.name and visitor.sees_all:
            return self
        view = copy.copy(self)
        view.visitor = visitor
        view.jobs = OwnJobs(self.jobs, visitor, self.limiter)
        roots = self.datasets.roots if visitor.sees_all else self._own_roots(view)
        view.datasets = OwnDataSets(self.datasets, visitor, roots, lambda: self.limiter.require_space(visitor.name))
        view.tryouts = OwnTryOuts(self.tryouts, visitor)
        view.captionings = OwnCaptionings(self.captionings, visitor)
        view.regularizations = OwnRegularizations(self.regularizations, visitor, view.datasets)
        view.inquiries = OwnInquiries(self.inquiries, visitor)
        if not visitor.sees_all:
            view.own_presets = self.own_presets.of(visitor.name)
            view._shipped = self._house_presets(view.own_presets)
        return view

    def close(self, seconds: float) -> None:
        """The program is about to end: what runs keeps how far it came, within that time; nothing more is begun."""
        if not self.jobs.end(seconds):
            log.warning("The run could not be paused in time: it goes on from its last state.")
        self.meter.close()
        self.tryouts.close()
        self.regularizations.close()
        self.inquiries.close()
        self.notices.close()

    def _places(self, elsewhere: Sequence[str], apart: bool) -> list[Place]:
        return places_of(self.host, runner_apart(self.host) if apart else InPlaceRunner(self.host), elsewhere)

    def _own_roots(self, view: Desk) -> OwnRoots:
        private = (self.datasets.folder, self.host.data_folder() / "runs")

        def mine() -> list[Path]:
            sets = [one.path for one in view.datasets.list()]
            return [*sets, *(Path(job.config.save.output) for job in view.jobs.list())]

        return OwnRoots(self.datasets.roots, private, mine)

    def _house_presets(self, own: OwnPresets) -> Callable[[], Sequence[Preset]]:
        """The shipped presets, and those of the admins for everybody where a user has none of that name."""

        def presets() -> list[Preset]:
            names = {preset.name for preset in own.all()}
            house = [preset for preset in self.own_presets.all() if preset.name not in names]
            return [*self._shipped(), *(dataclasses.replace(preset, own=False) for preset in house)]

        return presets

    @property
    def history(self) -> History:
        """The past runs of the visitor, as they are now."""
        return history_of(self)

    def require_admitted(self, job: Job) -> None:
        """Raise UserError when a job that has ended or rests may not come back.

        Its owner's limits may be reached, or the place of one of its data sets be taken by one of somebody else.
        """
        further = {self.datasets.uploaded_at(folder.path) for folder in job.config.data.folders}
        for owners in map(self.datasets.owners.of, {job.record.dataset, *further}):
            if owners and job.record.owner not in owners and not self.visitor.sees_all:
                raise NotFound(Sentence("dataset_missing", "This data set is not there any more."))
        if job.state in ENDED:
            self.limiter.require_job(job.record.owner)
        self.limiter.require_running_time(job.record.owner)

    def require_space(self, more: int) -> None:
        """Raise UserError when the visitor may not put `more` bytes into data sets."""
        self.limiter.require_space(self.visitor.name, more)
        self.space.reserve(self.visitor.name, more)

    @property
    def room(self) -> int | None:
        """Bytes that the visitor may still put into data sets; None without a limit."""
        return self.limiter.room_of(self.visitor.name)

    def _jobs_of(self, name: str) -> int:
        return sum(job.record.owner == name and job.state not in ENDED for job in self.jobs.list())

    def presets(self) -> list[Preset]:
        """Those that come with the trainer, and behind them the user's own."""
        return [*self._shipped(), *self.own_presets.all()]

    @property
    def busy(self) -> bool:
        """Whether models are at work, for us or for the host's own users: then others leave the processor alone."""
        runs = any(job is not None for _, job in self.jobs.everywhere())
        return runs or self.jobs.turn.holder is not None or bool(getattr(self.host, "drawing", False))

    def config(self, values: Mapping[str, Any], dataset: str = "") -> TrainConfig:
        """A configuration from what a page sends: the base is the host's, the pictures those of the data set.

        Raises ConfigError for wrong options and for files that may not be used, UserError for an unknown data set.
        """
        info = self.host.describe()
        base, known = info.path or info.name, []
        values = options.merged(options.unflattened(values), {"base": {"checkpoint": base}})
        if dataset and isinstance(values.get("data") or {}, Mapping):  # else `build` says what is wrong with it
            values = options.merged(values, {"data": {"folders": self._folders(values, dataset)}})
            known = [values["data"]["folders"][0]["path"]]
        config = options.build(values)
        self.datasets.roots.check(config, known=(base, *known))
        if "." in config.optimizer.name:
            sentence = "{path} is '{value}': from a page, only built-in optimizers can be chosen."
            raise ConfigError(
                [Sentence("outside_optimizer", sentence, path="optimizer.name", value=config.optimizer.name)]
            )
        return config

    def submit(self, values: Mapping[str, Any], dataset: str = "", *, replace: bool = False, priority: int = 0) -> Job:
        """Line up a training. Raises as `config` and `Jobs.submit`."""
        config = self.config(values, dataset)
        given = options.unflattened(values)
        return self.jobs.submit(config, replace=replace, dataset=dataset, values=given, priority=priority)

    def clone(self, job: Job, changes: Mapping[str, Any]) -> Job:
        """Line up a training as that one was, with changes; under the next free name where none is given."""
        values = options.merged(job.record.values, options.unflattened(changes))
        if not options.value_at(options.unflattened(changes), "save.name"):
            taken = {one.record.name for one in self.jobs.list()} | {
                file.stem for file in self.host.lora_folder().rglob(f"*{EXTENSION}")
            }
            values = options.merged(values, {"save": {"name": next_name(job.record.name, taken)}})
        return self.submit(values, job.record.dataset, priority=job.record.priority)

    def delete(self, job: Job) -> None:
        """Forget a job with its files and pictures. Raises UserError while it runs."""
        self.jobs.delete(job)
        self.tryouts.forget(job)

    def keep(self, job: Job, save: str, *, strength: float = 1.0, replace: bool = False, name: str = "") -> Kept:
        """Make a save the final file; its picture is the try-out's at that strength, where there is one."""
        if replace and isinstance(self.jobs, OwnJobs):
            self.jobs.require_own_lora(safe_stem(name or job.record.name))
        preview = self.tryouts.picture_of(job, save, strength)
        return keep(self.host, job, save, strength=strength, preview=preview, replace=replace, name=name)

    def require_idle(self, dataset: str) -> None:
        """Raise UserError while a run or a captioning that has not ended needs the data set where it is, NotFound."""
        folder = self.datasets.get(dataset).path
        names = [job.record.name for job in self.jobs.users_of(dataset, folder) if job.state not in ENDED]
        names += [one.dataset.name for one in self.captionings if one.dataset.id == dataset and one.state in UNDER_WAY]
        if names:
            sentence = "'{name}' is under way and needs this data set: stop it, or wait for its end."
            raise UserError(Sentence("dataset_in_use", sentence, name=names[0]))

    def _show_what_was_learned(self, job: Job) -> None:
        """Begin the usual grid of a run that ended well; whether somebody watches makes no difference."""
        if job.state in (FINISHED, STOPPED) and self.habits.grid_at_end:
            self.tryouts.begin_usual(job)

    def _folders(self, values: Mapping[str, Any], dataset: str) -> list[Any]:
        """The data set's folder with what the options say of the run's first one, and the further ones as they are."""
        given = (values.get("data") or {}).get("folders") or []
        given = given if isinstance(given, list) else [given]
        priors = [one for one in given if isinstance(one, Mapping) and one.get("regularization")]
        own = [one for one in given if one not in priors]
        first = own[0] if own and isinstance(own[0], Mapping) else {}
        return [{**first, "path": str(self.datasets.get(dataset).path)}, *own[1:], *priors]
