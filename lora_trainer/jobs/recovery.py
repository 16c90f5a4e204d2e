"""Jobs that an earlier program left: made whole again from their records and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from .. import options
from ..config import TrainConfig
from ..errors import UserError
from ..files.names import safe_stem
from ..run_folder import RunFolder
from ..sentences import Sentence
from ..state import newest_step
from .feed import Feed
from .job import Job
from .record import Record
from .states import INTERRUPTED, ON_THE_MODEL, QUEUED

TWICE = 2
"""So many ends of the program without a step further are more than chance."""


def revived(record: Record, folder: Path, enqueue: Callable[[Job], None]) -> Job:
    """The job of a record, in its folder below `folder`; interrupted where it ran or waited."""
    config, problems = options.read(record.config)
    config = in_own_folder(config, folder, record.id)
    place = RunFolder(Path(config.save.output), safe_stem(config.save.name))
    job = Job(_as_it_is(record, place), config, enqueue, Feed(place.read_events))
    if problems:
        job.problem = Sentence(
            "job_options",
            "'{name}' was set up with another version of Train LoRA: {problems} Take its settings into the form and "
            "train anew; its saves are where they were.",
            name=record.name,
            problems=" ".join(problems),
        )
    return job


def go_on(jobs: Iterable[Job], require: Callable[[Job], None] = lambda job: None) -> None:
    """Let all of these go on that can. Raises UserError for the first that `require` holds back or that cannot."""
    problem: UserError | None = None
    for job in jobs:
        try:
            require(job)
            job.resume()
        except UserError as error:
            problem = problem or error
    if problem:
        raise problem


def goes_on_unasked(job: Job) -> bool:
    """Whether nothing speaks against letting an interrupted job go on by itself."""
    return not job.problem and job.record.crashes < TWICE


def in_own_folder(config: TrainConfig, folder: Path, job_id: str) -> TrainConfig:
    """Nothing that a job writes lies anywhere but in its own folder, wherever that is by now."""
    save = replace(config.save, output=str((folder / job_id).resolve()), log_folder="")
    return replace(config, save=save, data=replace(config.data, cache_folder=""))


def _as_it_is(record: Record, place: RunFolder) -> Record:
    """What holds of a job that no program runs any more."""
    if record.state == QUEUED:
        message = Sentence("left_waiting", "The program ended while this waited for its turn.")
        return replace(record, state=INTERRUPTED, message=message)
    if record.state not in ON_THE_MODEL:
        return record
    step = newest_step(place.states)
    crashes = record.crashes + 1 if record.crashed_at == step else 1
    if crashes >= TWICE:
        message = Sentence(
            "left_again",
            "The program ended {count} times while this ran, and it came no further than step {step} in between: it "
            "does not go on by itself. The program's log may say why; it goes on when you tell it to.",
            count=crashes,
            step=step,
        )
    elif step:
        message = Sentence(
            "left_running",
            "The program ended while this ran, at step {at}. It can go on from step {step}.",
            at=max(step, record.step),
            step=step,
        )
    else:
        message = Sentence("left_beginning", "The program ended before the first state of this run: it begins anew.")
    left = replace(record, state=INTERRUPTED, step=step, seconds_left=0.0, message=message)
    return replace(left, crashes=crashes, crashed_at=step)
