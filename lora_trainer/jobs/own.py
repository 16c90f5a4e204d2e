"""Jobs, pictures and questions as one visitor sees them: what is others' is not there.

Each class takes the place of the one that has them all. What it does not name is not inherited in a working state: a
method that is forgotten here fails and shows nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..captioning import Settings
from ..captioning.folder import Task
from ..config import TrainConfig
from ..datasets.folder import DataSetFolder
from ..datasets.store import DataSets
from ..errors import LoraExists, UserError
from ..files.names import safe_stem
from ..sentences import Sentence, lora_exists
from ..visitor import Visitor
from .captioning import Captioning, Captionings, Choice, no_captioning
from .drawing import TryOut
from .grid import Grid
from .inquiries import Inquiries, Inquiry, no_inquiry
from .job import Job, no_job
from .limits import Limiter
from .news import News
from .places import Place
from .queue import Jobs
from .recovery import go_on
from .regularization import Regularization, Regularizations, Usual, no_regularization
from .tryout_request import TryOutRequest
from .tryouts import TryOuts, no_tryout


class OwnJobs(Jobs):
    """The jobs of a visitor, who owns what is lined up here."""

    def __init__(self, everybody: Jobs, visitor: Visitor, limiter: Limiter) -> None:
        self._all, self._visitor, self._limiter, self.turn = everybody, visitor, limiter, everybody.turn

    @property
    def problem(self) -> str:
        return self._all.problem

    @property
    def news(self) -> News:
        return self._all.news

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
        """As the visitor's own, whatever `owner` is. Raises UserError also when a limit is reached."""
        self._require_usual(priority)
        if replace:
            self.require_own_lora(safe_stem(config.save.name))
        with self._limiter.admitting(self._visitor):
            return self._all.submit(
                config,
                replace=replace,
                dataset=dataset,
                values=values,
                priority=priority,
                owner=self._visitor.name,
            )

    def get(self, job_id: str) -> Job:
        job = self._all.get(job_id)
        if not self._visitor.may_see(job.record.owner):
            raise no_job(job_id)
        return job

    def list(self) -> builtins.list[Job]:
        return [job for job in self._all.list() if self._visitor.may_see(job.record.owner)]

    def line(self) -> builtins.list[Job]:
        return [job for job in self._all.line() if self._visitor.may_see(job.record.owner)]

    def everybody_in_line(self) -> builtins.list[Job]:
        """All that wait, others' too: for how many come before one's own."""
        return self._all.line()

    def waiting(self) -> bool:
        return self._all.waiting()

    def wanted_here(self) -> bool:
        return self._all.wanted_here()

    def everywhere(self) -> builtins.list[tuple[Place, Job | None]]:
        return self._all.everywhere()

    def users_of(self, dataset: str, folder: Path) -> builtins.list[Job]:
        return self._all.users_of(dataset, folder)

    def move(self, job: Job, before: Job | None = None) -> None:
        """A user changes the order of their own: the places of others stay what they are."""
        if self._visitor.sees_all:
            self._all.move(job, before)
            return
        others = [one for one in self.line() if one is not job]
        number = others.index(before) if before in others else len(others)
        self._all.permute([*others[:number], job, *others[number:]])

    def prefer(self, job: Job, priority: int) -> None:
        self._require_usual(priority)
        self._all.prefer(job, priority)

    def delete(self, job: Job) -> None:
        self._all.delete(job)

    def resume_all(self) -> None:
        go_on(self.interrupted(), lambda job: self._limiter.require_running_time(job.record.owner))

    def require_own_lora(self, stem: str) -> None:
        """Raise LoraExists where a user would replace a LoRA that none of their own runs has published."""
        published = (job.record.published for job in self.list())
        if not self._visitor.sees_all and stem not in {one["name"] for one in published if one}:
            raise LoraExists(lora_exists(stem))

    def _require_usual(self, priority: int) -> None:
        if priority > 0 and not self._visitor.sees_all:
            sentence = "Only an admin may let a run go before those of others."
            raise UserError(Sentence("priority_of_admins", sentence))


class OwnTryOuts(TryOuts):
    """The try-outs of a visitor's jobs."""

    def __init__(self, everybody: TryOuts, visitor: Visitor) -> None:
        self._everybody, self._visitor = everybody, visitor

    def start(self, job: Job, request: TryOutRequest, *, single: bool = False) -> TryOut:
        return self._everybody.start(job, request, single=single)

    def forget(self, job: Job) -> None:
        self._everybody.forget(job)

    def is_drawing(self, job: Job) -> bool:
        return self._everybody.is_drawing(job)

    def get(self, tryout_id: str) -> Grid:
        tryout = self._everybody.get(tryout_id)
        if not self._visitor.may_see(tryout.job.record.owner):
            raise no_tryout(tryout_id)
        return tryout

    def picture_of(self, job: Job, save: str, strength: float) -> Path | None:
        return self._everybody.picture_of(job, save, strength)


class OwnCaptionings(Captionings):
    """The captionings that a visitor has begun."""

    def __init__(self, everybody: Captionings, visitor: Visitor) -> None:
        self._everybody, self._visitor = everybody, visitor

    def choices(self) -> list[Choice]:
        return self._everybody.choices()

    def settings(self, **values: Any) -> Settings:
        return self._everybody.settings(**values)

    def start(
        self, dataset: DataSetFolder, name: str, settings: Settings, task: Task, *, owner: str = ""
    ) -> Captioning:
        return self._everybody.start(dataset, name, settings, task, owner=self._visitor.name)

    def get(self, captioning_id: str) -> Captioning:
        made = self._everybody.get(captioning_id)
        if not self._visitor.may_see(made.owner):
            raise no_captioning(captioning_id)
        return made

    def __iter__(self) -> Iterator[Captioning]:
        return (one for one in self._everybody if self._visitor.may_see(one.owner))


class OwnRegularizations(Regularizations):
    """The class pictures that a visitor has ordered."""

    def __init__(self, everybody: Regularizations, visitor: Visitor, datasets: DataSets) -> None:
        self._everybody, self._visitor, self._own_sets = everybody, visitor, datasets

    def usual(self, config: TrainConfig) -> Usual:
        return self._everybody.usual(config)

    def start(
        self,
        config: TrainConfig,
        prompts: Sequence[str],
        *,
        count: int = 0,
        negative_prompt: str = "",
        name: str = "",
        owner: str = "",
        datasets: DataSets | None = None,
    ) -> Regularization:
        return self._everybody.start(
            config,
            prompts,
            count=count,
            negative_prompt=negative_prompt,
            name=name,
            owner=self._visitor.name,
            datasets=self._own_sets,
        )

    def get(self, id: str) -> Regularization:
        made = self._everybody.get(id)
        if not self._visitor.may_see(made.owner):
            raise no_regularization(id)
        return made

    def __iter__(self) -> Iterator[Regularization]:
        return (one for one in self._everybody if self._visitor.may_see(one.owner))


class OwnInquiries(Inquiries):
    """The questions that a visitor has asked."""

    def __init__(self, everybody: Inquiries, visitor: Visitor) -> None:
        self._everybody, self._visitor = everybody, visitor

    def probe(self, config: TrainConfig, *, owner: str = "") -> Inquiry:
        return self._everybody.probe(config, owner=self._visitor.name)

    def fits(self, config: TrainConfig, *, owner: str = "") -> Inquiry:
        return self._everybody.fits(config, owner=self._visitor.name)

    def get(self, inquiry_id: str) -> Inquiry:
        made = self._everybody.get(inquiry_id)
        if not self._visitor.may_see(made.owner):
            raise no_inquiry(inquiry_id)
        return made

    def waits_for(self, inquiry: Inquiry) -> str:
        return self._everybody.waits_for(inquiry)
