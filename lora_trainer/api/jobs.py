"""Jobs: begun, steered, and watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from typing import Any

from starlette.responses import Response

from ..errors import NotFound
from ..jobs.job import Job
from ..sentences import Sentence
from ..wire import jobs as wire
from ..wire.common import FILE, PICTURE, Nothing
from .answers import json_answer, json_text
from .call import Call, Entry
from .files import download, read_picture
from .glances import Signs
from .shown import event_json, in_address, job_json

LONGEST_WAIT = 25.0
"""Seconds for which a reader of events may wait: below the time after which proxies give up."""
LOOK_AGAIN = 0.1
NEWS: dict[str, str | int] = {"after": 0, "feed": "", "wait": 0, "limit": 500}


def begin(call: Call) -> dict[str, Any]:
    """Line up a training. It begins as soon as it is its turn on the model."""
    given = call.given(wire.NewJob)
    job = call.desk.submit(given.values, given.dataset, replace=given.replace, priority=given.priority)
    return job_json(job)


def all_jobs(call: Call) -> list[dict[str, Any]]:
    """All that there are, the newest first."""
    return [job_json(job) for job in call.desk.jobs.list()]


def summary(call: Call) -> dict[str, Any]:
    """One of them."""
    return job_json(_job(call))


def steered(control: Callable[[Job], None]) -> Callable[[Call], dict[str, Any]]:
    """A handler that gives a job one of its controls."""

    def handler(call: Call) -> dict[str, Any]:
        job = _job(call)
        control(job)
        return job_json(job)

    handler.__name__, handler.__doc__ = control.__name__, control.__doc__
    return handler


def resume(call: Call) -> dict[str, Any]:
    """Go on with a job that rests, was stopped or failed, as soon as it is its turn; take back a pause."""
    job = _job(call)
    call.desk.require_admitted(job)
    job.resume()
    return job_json(job)


def delete(call: Call) -> dict[str, Any]:
    """Forget a run with its files; what lies in the LoRA folder stays."""
    call.desk.delete(_job(call))
    return {}


def clone(call: Call) -> dict[str, Any]:
    """A new run with the values of this one and the given changes."""
    return job_json(call.desk.clone(_job(call), call.given(wire.Changes).values))


def move(call: Call) -> dict[str, Any]:
    """Another place in line: before the run of that id, or behind all without one."""
    before = call.given(wire.Move).before
    job = _job(call)
    call.desk.jobs.move(job, call.desk.jobs.get(before) if before else None)
    return job_json(job)


def prefer(call: Call) -> dict[str, Any]:
    """Give it another priority: the more important one goes first, also before one that runs."""
    job = _job(call)
    call.desk.jobs.prefer(job, call.given(wire.Priority).priority)
    return job_json(job)


def resume_all(call: Call) -> dict[str, Any]:
    """Go on with all that the end of the program left lying."""
    call.desk.jobs.resume_all()
    return {}


def more(call: Call) -> dict[str, Any]:
    """Train one that has ended further."""
    job = _job(call)
    call.desk.require_admitted(job)
    job.more(call.given(wire.More).steps)
    return job_json(job)


async def wait_for_news(call: Call) -> None:
    """Wait until there are events that the reader has not seen, as long as it is ready to wait."""
    job, after = _job(call), _after(call)
    end = time.monotonic() + _patience(call)
    state = job.state
    while len(job.feed) <= after and job.state == state and time.monotonic() < end:
        await asyncio.sleep(LOOK_AGAIN)


def events(call: Call) -> Response:
    """What came after the event that the reader knows; all of it, where it knows those of an earlier program.

    With `wait`, the answer comes as soon as there is news, or after that many seconds (25 at most).
    """

    def made() -> bytes:
        return json_text(events_json(call)).encode("utf-8")

    return json_answer(call.glances.content(*_subject(call), made))


def events_at_hand(call: Call) -> Response | None:
    """The same, where another reader who knows as much has asked a moment ago."""
    content = None if _patience(call) else call.glances.ready(*_subject(call))
    return json_answer(content) if content is not None else None


def events_json(call: Call) -> dict[str, Any]:
    """Events."""
    job, after = _job(call), _after(call)
    found = job.feed.after(after, _limit(call))
    return {
        "events": [event_json(number, event, job) for number, event in found],
        "next": found[-1][0] if found else after,
        "feed": job.feed.id,
        "job": job_json(job),
    }


def curve(call: Call) -> dict[str, Any]:
    """The loss curve, thinned to `points` steps that keep its spikes."""
    return _job(call).feed.curve(call.number("points", 600, 2, 10_000))


def sample(call: Call) -> Response:
    """A sample picture. One that an admin has hidden is there for admins alone."""
    job, file = _job(call), call.path["file"]
    if file in job.record.hidden and not call.visitor.sees_all:
        raise NotFound(Sentence("sample_hidden", "An admin has hidden this picture."))
    return read_picture(job.sample_path(file), lasting=False)


def hide_sample(call: Call) -> dict[str, Any]:
    """Keep a sample from its owner's eyes, or show it again."""
    job, file, hidden = _job(call), call.path["file"], call.given(wire.Hide).hidden
    job.hide_sample(file, hidden)
    _note_review(call, job, "hide_sample" if hidden else "show_sample")
    return {"hidden": list(job.record.hidden)}


def delete_sample(call: Call) -> dict[str, Any]:
    """Delete a sample picture."""
    job = _job(call)
    job.delete_sample(call.path["file"])
    _note_review(call, job, "delete_sample")
    return {}


def _note_review(call: Call, job: Job, what: str) -> None:
    """What an admin does to the pictures of others is noted."""
    if call.visitor.name and call.visitor.name != job.record.owner:
        call.desk.audit.note(call.visitor.name, what, job.record.owner, run=job.id, file=call.path["file"])


def review(call: Call) -> dict[str, Any]:
    """The samples of all runs, those of the newest first, to be looked at, hidden or deleted."""
    most, after = call.number("limit", 200, 1, 1000), call.number("after", 0, 0, 2**53)
    found = [
        {
            "job": job.id,
            "name": job.record.name,
            "owner": job.record.owner,
            "file": file,
            "hidden": file in job.record.hidden,
            "url": f"jobs/{job.id}/samples/{in_address(file)}",
        }
        for job in call.desk.jobs.list()
        for file in job.record.samples[::-1]
    ]
    return {"samples": found[after : after + most], "total": len(found)}


def save(call: Call) -> Response:
    """A LoRA file of the run. `Range: bytes=N-` goes on with a download; the ETag is the hash of the file."""
    return download(_job(call).save_path(call.path["file"]), call.headers)


def _job(call: Call) -> Job:
    return call.desk.jobs.get(call.path["id"])


def _subject(call: Call) -> tuple[Hashable, Signs]:
    """The events that are asked for, and what tells that they are still the same."""
    job = _job(call)
    subject = ("events", job.id, job.feed.id, _after(call), _limit(call))
    return subject, lambda: (len(job.feed), job.record, job.control.wish)


def _limit(call: Call) -> int:
    return call.number("limit", 500, 1, 10_000)


def _patience(call: Call) -> float:
    """Seconds that the reader is ready to wait for news."""
    return min(LONGEST_WAIT, call.number("wait", 0, 0, 60))


def _after(call: Call) -> int:
    """The number of the last event that the reader knows, of the feed that it names."""
    known = call.query.get("feed", "")
    return 0 if known and known != _job(call).feed.id else call.number("after", 0, 0, 2**53)


ROUTES = (
    Entry(
        "GET", "/jobs/{id}/events", events, before=wait_for_news, at_once=events_at_hand, gives=wire.Events, asks=NEWS
    ),
    Entry("GET", "/jobs", all_jobs, gives=list[wire.Job]),
    Entry("POST", "/jobs", begin, slow=True, takes=wire.NewJob, gives=wire.Job, errors=(404, 409)),
    Entry("POST", "/jobs/resume-all", resume_all, gives=Nothing),
    Entry("GET", "/jobs/{id}", summary, gives=wire.Job),
    Entry("DELETE", "/jobs/{id}", delete, slow=True, gives=Nothing),
    Entry("POST", "/jobs/{id}/clone", clone, slow=True, takes=wire.Changes, gives=wire.Job, errors=(409,)),
    Entry("POST", "/jobs/{id}/move", move, takes=wire.Move, gives=wire.Job),
    Entry("POST", "/jobs/{id}/priority", prefer, takes=wire.Priority, gives=wire.Job),
    Entry("POST", "/jobs/{id}/pause", steered(Job.pause), gives=wire.Job),
    Entry("POST", "/jobs/{id}/resume", resume, gives=wire.Job),
    Entry("POST", "/jobs/{id}/stop", steered(Job.stop), gives=wire.Job),
    Entry("POST", "/jobs/{id}/stop-and-save", steered(Job.stop_and_save), gives=wire.Job),
    Entry("POST", "/jobs/{id}/more", more, takes=wire.More, gives=wire.Job),
    Entry("GET", "/jobs/{id}/curve", curve, gives=wire.Curve, asks={"points": 600}),
    Entry("GET", "/jobs/{id}/samples/{file}", sample, gives=PICTURE),
    Entry("PUT", "/jobs/{id}/samples/{file}/hidden", hide_sample, admin=True, takes=wire.Hide, gives=wire.Hidden),
    Entry("DELETE", "/jobs/{id}/samples/{file}", delete_sample, gives=Nothing),
    Entry("GET", "/samples", review, admin=True, gives=wire.Review, asks={"limit": 200, "after": 0}),
    Entry("GET", "/jobs/{id}/saves/{file}", save, slow=True, gives=FILE),
)
