"""The history of a desk's runs: jobs as past runs, with what else is theirs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import TrainConfig
from ..files.names import safe_stem
from ..history import History, Past
from ..history.notes import FILE
from ..history.space import PICTURES, SAMPLES
from ..presets import origin_of
from ..run_folder import RunFolder
from .record import Record
from .states import ENDED

if TYPE_CHECKING:
    from .desk import Desk
    from .job import Job


def past_of(
    record: Record,
    config: TrainConfig,
    *,
    origin: Callable[[], str] = str,
    drawn: bool = False,
    sees_all: bool = True,
) -> Past:
    """A job's record as a past run. `drawn`: pictures of it are being drawn. `sees_all`: hidden samples too.

    `origin` tells its preset.
    """
    output = Path(config.save.output)
    return Past(
        id=record.id,
        name=record.name,
        folder=RunFolder(output, safe_stem(config.save.name)),
        config=config,
        notes_file=output / FILE,
        state=record.state,
        created=record.created,
        ended=record.ended,
        step=record.step,
        total_steps=record.total_steps,
        best_step=record.best_step,
        owner=record.owner,
        dataset=record.dataset,
        origin=origin,
        message=record.message,
        published=record.published or {},
        hidden=() if sees_all else record.hidden,
        over=record.state in ENDED and not drawn,
    )


def history_of(desk: Desk) -> History:
    """The history of the runs that are there for the desk's visitor."""

    presets = functools.cache(desk.presets)

    def past(job: Job) -> Past:
        return past_of(
            job.record,
            job.config,
            origin=lambda: origin_of(job.record.values, presets()),
            drawn=desk.tryouts.is_drawing(job),
            sees_all=desk.visitor.sees_all,
        )

    def freed(run_id: str, kinds: Collection[str]) -> None:
        job = desk.jobs.get(run_id)
        if SAMPLES in kinds:
            there = tuple(file for file in job.record.samples if (job.folder.samples / file).is_file())
            job.change(samples=there, hidden=tuple(file for file in job.record.hidden if file in there))
        if PICTURES in kinds:
            desk.tryouts.forget(job)
            job.change(tryout="")

    return History(lambda: [past(job) for job in desk.jobs.list()], desk.ballots, voter=desk.visitor.name, freed=freed)
