"""Which of all that happens to jobs is told to people who are elsewhere, and in which words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..events import Finished, Step
from ..notices.notice import EMPTY, FAILED, FINISHED, INTERRUPTED, STOPPED, WAITING, Notice
from ..notices.texts import of_run
from ..sentences import Sentence
from . import states
from .job import Job
from .recovery import goes_on_unasked

if TYPE_CHECKING:
    from ..notices import Notices
    from .queue import Jobs

OCCASION = {states.FINISHED: FINISHED, states.STOPPED: STOPPED, states.FAILED: FAILED}
LOOKED_AT = 200
"""Of a job's newest events."""


class Telling:
    """Tells of runs that end or wait for somebody, of what a start finds interrupted, and of an empty line."""

    def __init__(self, jobs: Jobs, notices: Notices, *, goes_on: bool = False) -> None:
        self._jobs, self._notices = jobs, notices
        self._ended = Counter[str]()
        """How the runs ended since the line was empty last."""
        if jobs.left:
            notices.tell(left_notice(jobs.left, goes_on=goes_on))

    def of_end(self, job: Job) -> None:
        """Told of every job that has been run until it ended or was paused."""
        notice = end_notice(job)
        if notice is not None:
            self._notices.tell(notice)
        if job.state in states.ENDED:
            self._ended[job.state] += 1
        others = [one for _, one in self._jobs.everywhere() if one not in (None, job)]
        if not self._jobs.waiting() and not job.steps_aside and not others:
            self._of_empty_line()

    def _of_empty_line(self) -> None:
        """One run has told of its own end already."""
        if self._ended.total() > 1:
            counts = {state: self._ended[state] for state in states.ENDED}
            sentence = "{count} runs have ended: {finished} finished, {stopped} stopped, {failed} failed."
            text = Sentence("notice_empty_text", sentence, count=self._ended.total(), **counts)
            title = Sentence("notice_empty", "Train LoRA: no run is waiting any more")
            self._notices.tell(Notice(EMPTY, title, (text,), counts))
        self._ended.clear()


def end_notice(job: Job) -> Notice | None:
    """What to tell of a job that the model has been given back by; None where somebody paused it, or it goes on."""
    record = job.record
    if job.state == states.INTERRUPTED:
        occasion = INTERRUPTED
    elif job.state == states.PAUSED:
        if job.steps_aside or not record.message:
            return None
        occasion = WAITING
    elif job.state in OCCASION:
        occasion = OCCASION[job.state]
    else:
        return None
    events = [event for _, event in job.feed.after(len(job.feed) - LOOKED_AT, LOOKED_AT)]
    loss = next((event.smooth_loss for event in reversed(events) if isinstance(event, Step)), None)
    seconds = next((event.seconds for event in reversed(events) if isinstance(event, Finished)), None)
    return of_run(
        occasion,
        record.name,
        step=record.step,
        total=record.total_steps,
        seconds=seconds,
        loss=loss,
        best_step=record.best_step,
        message=record.message,
        facts={"job": job.id, "published": (record.published or {}).get("name", "")},
    )


def left_notice(jobs: Sequence[Job], *, goes_on: bool = False) -> Notice:
    """What to tell of jobs that the end of a program has interrupted; whether they go on by themselves."""
    waits = [job.record.name for job in jobs if not (goes_on and goes_on_unasked(job))]
    facts: dict[str, Any] = {"jobs": [job.id for job in jobs], "names": [job.record.name for job in jobs]}
    if len(jobs) == 1:
        title = Sentence("notice_left_one", "Train LoRA: '{name}' was interrupted", name=jobs[0].record.name)
        more = () if waits else (Sentence("notice_goes_on", "It goes on by itself."),)
        return Notice(INTERRUPTED, title, (jobs[0].record.message, *more), facts)
    title = Sentence("notice_left", "Train LoRA: {count} runs were interrupted", count=len(jobs))
    names = ", ".join(facts["names"])
    if len(waits) == len(jobs):
        sentence = (
            "The program ended while they ran or waited: {names}. One click on its page goes on with all of them."
        )
        return Notice(INTERRUPTED, title, (Sentence("notice_left_text", sentence, names=names),), facts)
    sentence = "The program ended while they ran or waited: {names}. They go on by themselves."
    texts = [Sentence("notice_left_go_on", sentence, names=names)]
    if waits:
        sentence = "These do not, and need somebody: {names}."
        texts.append(Sentence("notice_left_waits", sentence, names=", ".join(waits)))
    return Notice(INTERRUPTED, title, tuple(texts), facts)
