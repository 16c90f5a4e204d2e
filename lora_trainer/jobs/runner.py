"""Where a job is handed to whoever runs it. Here: in a thread of this process, on the model that the host holds."""

from __future__ import annotations

import logging
import shutil
from contextlib import closing
from typing import Any, Protocol

from ..control import Wish
from ..errors import BaseAway, DiskError, UserError
from ..events import Event, Failed, Finished, Paused, Started
from ..host.base import Host, host_for
from ..sentences import Sentence
from .bases import require_base
from .job import Job
from .keep import publish
from .record import Save
from .states import FAILED, FINISHED, PAUSED, STOPPED
from .stopping import interrupts_mean

log = logging.getLogger(__name__)


class Runner(Protocol):
    """Runs jobs: another process or a machine elsewhere may do it as well."""

    def run(self, job: Job) -> None:
        """Run a job that has begun, telling it every event, until it is paused or has ended; then call `job.end`.

        Raises nothing that has to do with the job.
        """


class InPlaceRunner:
    """Runs jobs in the caller's thread on the host's own model."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def run(self, job: Job) -> None:
        try:
            require_base(job, self._host)
            with interrupts_mean(self._host, job.stop_and_save):
                last = self._train(job)
            job.end(**self._outcome(job, last))
        except (BaseAway, DiskError) as error:  # before anything was begun
            job.end(PAUSED, message=error.sentence)
        except UserError as error:
            job.end(FAILED, message=error.sentence)
        except Exception as error:  # a mistake in this program: the job fails, those behind it do not
            log.exception("The job %s broke off.", job.id)
            sentence = "The run broke off: {error}. The details are in the program's log."
            job.end(FAILED, message=Sentence("broke_off", sentence, error=repr(error)))

    def _train(self, job: Job) -> Event | None:
        """All events of the run; the last one, or None when it was left while it was being prepared."""
        from ..data.cache import open_store
        from ..train import train

        _tidy(job)
        going_on = job.has_state
        job.store = job.store or open_store(job.config.data, job.folder.cache)
        stream = train(job.config, host_for(self._host, job.config), job.control, resume=going_on, store=job.store)
        started, last = False, None
        with closing(stream):  # type: ignore[type-var]
            for event in stream:
                last = event
                started = started or isinstance(event, Started)
                job.take(event)
                self._watch(event)
                if not started and _nothing_to_do(job.control.wish, going_on):
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

    def _watch(self, event: Event) -> None:
        watch = getattr(self._host, "watch", None)
        if watch:
            watch(event)


def publish_result(host: Host, job: Job) -> dict[str, Any]:
    """What of the record changes when the job's finished file is published, or could not be."""
    replace = job.record.replace or job.record.published is not None
    try:
        published = publish(host, job, job.folder.lora.name, replace=replace)
    except UserError as error:
        return {"message": error.sentence}
    return {"published": published.to_json(), "message": ""}


def _nothing_to_do(wish: Wish, going_on: bool) -> bool:
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
