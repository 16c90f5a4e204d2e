"""Where a job is handed to whoever runs it: the seam, and what its two sides here (`InPlaceRunner` in this process on
the model that the host holds, `process.OwnProcessRunner` in one of its own) have in common."""

from __future__ import annotations

import logging
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import closing
from typing import Any, Protocol

from ..control import Wish
from ..errors import BaseAway, DiskError, UserError
from ..events import Event, Failed, Finished, Paused, Started
from ..files.lock import is_held
from ..host.base import Host, host_for
from ..sentences import Sentence
from .bases import require_base
from .job import Job
from .keep import publish
from .record import Save
from .states import FAILED, FINISHED, INTERRUPTED, PAUSED, STOPPED
from .stopping import interrupts_mean

log = logging.getLogger(__name__)

PATIENCE = 300.0
"""Seconds to wait for what an ended program left behind and that still writes its state."""


class Runner(Protocol):
    """Runs jobs: this one method is all that a line of jobs knows of processes, machines elsewhere, or a cluster."""

    def run(self, job: Job) -> None:
        """Run a job that has begun, telling it every event, until it is paused or has ended; then call `job.end`.

        Raises nothing that has to do with the job.
        """


class EventRunner(ABC):
    """A runner whose runs tell what they do as events."""

    def __init__(self, host: Host) -> None:
        self._host = host

    @abstractmethod
    def events(self, job: Job, *, going_on: bool) -> Generator[Event, None, None]:
        """The events of the run; closing it leaves the run as it is. Raises as `train`.

        With `going_on` there is a state to go on from.
        """

    @abstractmethod
    def require_base(self, job: Job) -> None:
        """See to it that the run is on the base that it was lined up for. Raises BaseAway, BaseModelError."""

    def run(self, job: Job) -> None:
        try:
            self.require_base(job)
            last = self._follow(job)
            job.end(**self._outcome(job, last))
        except (BaseAway, DiskError) as error:  # before anything was begun
            job.end(PAUSED, message=error.sentence)
        except EndedFromOutside as error:
            step = job.state_step
            job.end(INTERRUPTED, message=error.sentence_at(job.record.step, step), step=step)
        except UserError as error:
            job.end(FAILED, message=error.sentence)
        except Exception as error:  # a mistake in this program: the job fails, those behind it do not
            log.exception("The job %s broke off.", job.id)
            sentence = "The run broke off: {error}. The details are in the program's log."
            job.end(FAILED, message=Sentence("broke_off", sentence, error=repr(error)))

    def _follow(self, job: Job) -> Event | None:
        """Take all events of the run; the last one, or None when it was left while it was being prepared."""
        _wait_for_earlier(job)
        _tidy(job)
        going_on = job.has_state
        started, last = False, None
        with closing(self.events(job, going_on=going_on)) as events:
            for event in events:
                last = event
                started = started or isinstance(event, Started)
                job.take(event)
                if not started and nothing_to_do(job.control.wish, going_on=going_on):
                    return None
        return last

    def _outcome(self, job: Job, last: Event | None) -> dict[str, Any]:
        """State and message at the end; the finished file is published."""
        if isinstance(last, Paused):
            return {"state": PAUSED, "message": last.message}
        if isinstance(last, Failed):
            return {"state": FAILED, "message": last.message}
        if isinstance(last, Finished):
            values = publish_result(self._host, job) if last.path else {"message": ""}
            return {"state": STOPPED if last.stopped else FINISHED, **values}
        return {"state": PAUSED if job.control.wish is Wish.PAUSE else STOPPED, "message": ""}


class InPlaceRunner(EventRunner):
    """Runs jobs in the caller's thread on the host's own model."""

    def require_base(self, job: Job) -> None:
        require_base(job, self._host)

    def events(self, job: Job, *, going_on: bool) -> Generator[Event, None, None]:
        from ..data.cache import open_store
        from ..train import train

        job.store = job.store or open_store(job.config.data, job.folder.cache)
        host, watch = host_for(self._host, job.config), getattr(self._host, "watch", None)
        run = train(job.config, host, job.control, resume=going_on, store=job.store)
        with interrupts_mean(self._host, job.stop_and_save), closing(run) as events:  # type: ignore[type-var]
            for event in events:
                yield event
                if watch:  # for the host's own progress display
                    watch(event)


class EndedFromOutside(Exception):
    """Whatever ran a job is gone without a word: killed, or its machine is. `how` says what is known of it."""

    def sentence_at(self, step: int, state_step: int) -> Sentence:
        """What became of a run that had come to `step`, with a state after `state_step` (0: none)."""
        values = {"how": str(self), "at": max(step, state_step), "step": state_step}
        if state_step:
            sentence = (
                "What ran this was ended from outside ({how}), at step {at}. It can go on from step {step}. Where "
                "nobody did that, the system ended it because memory ran out."
            )
            return Sentence("process_ended", sentence, **values)
        sentence = (
            "What ran this was ended from outside ({how}), before the first state: it begins anew. Where nobody did "
            "that, the system ended it because memory ran out."
        )
        return Sentence("process_ended_early", sentence, **values)


def _wait_for_earlier(job: Job) -> None:
    """An earlier program's process may still be writing the state that it ends with, because that program is gone."""
    end = time.monotonic() + PATIENCE
    try:
        while is_held(job.folder.lock) and job.control.wish is Wish.GO_ON and time.monotonic() < end:
            time.sleep(0.1)
    except OSError:  # a disk without locks
        return


def publish_result(host: Host, job: Job) -> dict[str, Any]:
    """What of the record changes when the job's finished file is published, or could not be."""
    replace = job.record.replace or job.record.published is not None
    try:
        published = publish(host, job, job.folder.lora.name, replace=replace)
    except UserError as error:
        return {"message": error.sentence}
    return {"published": published.to_json(), "message": ""}


def nothing_to_do(wish: Wish, *, going_on: bool) -> bool:
    """Whether a run that is still being prepared need not take its first step: only a save needs what is prepared."""
    return wish in (Wish.PAUSE, Wish.STOP) or (wish is Wish.STOP_AND_SAVE and not going_on)


def _tidy(job: Job) -> None:
    """Make the job's folder ready: a finished file becomes a save when it is trained further.

    What a part that wrote no state left behind is worth nothing (states follow saves) and would only be put aside.
    """
    from ..files.copy import copy_lora

    folder = job.folder
    if not job.has_state:
        shutil.rmtree(folder.path, ignore_errors=True)
        return
    final = next((save for save in job.saves() if save.final), None)
    if final is None:
        return
    step_file = folder.save_path(final.step)
    if not step_file.exists():
        copy_lora(folder.lora, step_file)
    kept = Save(step_file.name, final.step, final=False)
    others = tuple(save for save in job.record.saves if save.file not in (final.file, kept.file))
    job.change(saves=(*others, kept))
