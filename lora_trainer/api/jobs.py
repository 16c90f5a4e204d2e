"""Jobs: begun, steered, and watched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from ..errors import NotFound
from ..jobs.job import Job
from ..sentences import Sentence
from .call import Call, Entry, value_of
from .files import download, read_picture
from .shown import event_json, job_json

LONGEST_WAIT = 25.0
"""Seconds for which a reader of events may wait: below the time after which proxies give up."""
LOOK_AGAIN = 0.1


def begin(call: Call) -> dict[str, Any]:
    given = call.json()
    values = value_of(given, "values", dict, {})
    replace = value_of(given, "replace", bool, False)
    priority = value_of(given, "priority", int, 0)
    return job_json(call.desk.submit(values, value_of(given, "dataset", str, ""), replace=replace, priority=priority))


def all_jobs(call: Call) -> list[dict[str, Any]]:
    return [job_json(job) for job in call.desk.jobs.list()]


def summary(call: Call) -> dict[str, Any]:
    return job_json(_job(call))


def steered(control: Callable[[Job], None]) -> Callable[[Call], dict[str, Any]]:
    """A handler that gives a job one of its controls."""

    def handler(call: Call) -> dict[str, Any]:
        job = _job(call)
        control(job)
        return job_json(job)

    return handler


def resume(call: Call) -> dict[str, Any]:
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
    return job_json(call.desk.clone(_job(call), value_of(call.json(), "values", dict, {})))


def move(call: Call) -> dict[str, Any]:
    """Another place in line: before the run of that id, or behind all without one."""
    before = value_of(call.json(), "before", str, "")
    job = _job(call)
    call.desk.jobs.move(job, call.desk.jobs.get(before) if before else None)
    return job_json(job)


def prefer(call: Call) -> dict[str, Any]:
    job = _job(call)
    call.desk.jobs.prefer(job, value_of(call.json(), "priority", int, 0))
    return job_json(job)


def resume_all(call: Call) -> dict[str, Any]:
    """Go on with all that the end of the program left lying."""
    call.desk.jobs.resume_all()
    return {}


def more(call: Call) -> dict[str, Any]:
    job = _job(call)
    call.desk.require_admitted(job)
    job.more(value_of(call.json(), "steps", int, 0))
    return job_json(job)


async def wait_for_news(call: Call) -> None:
    """Wait until there are events that the reader has not seen, as long as it is ready to wait."""
    job, after = _job(call), _after(call)
    end = time.monotonic() + min(LONGEST_WAIT, call.number("wait", 0, 0, 60))
    state = job.state
    while len(job.feed) <= after and job.state == state and time.monotonic() < end:
        await asyncio.sleep(LOOK_AGAIN)


def events(call: Call) -> dict[str, Any]:
    """What came after the event that the reader knows; all of it, where it knows those of an earlier program."""
    job, after = _job(call), _after(call)
    found = job.feed.after(after, call.number("limit", 500, 1, 10_000))
    return {
        "events": [event_json(number, event, job) for number, event in found],
        "next": found[-1][0] if found else after,
        "feed": job.feed.id,
        "job": job_json(job),
    }


def curve(call: Call) -> dict[str, Any]:
    return _job(call).feed.curve(call.number("points", 600, 2, 10_000))


def sample(call: Call) -> Response:
    """One that an admin has hidden is there for admins alone."""
    job, file = _job(call), call.path["file"]
    if file in job.record.hidden and not call.visitor.sees_all:
        raise NotFound(Sentence("sample_hidden", "An admin has hidden this picture."))
    return read_picture(job.sample_path(file), lasting=False)


def hide_sample(call: Call) -> dict[str, Any]:
    job, file, hidden = _job(call), call.path["file"], value_of(call.json(), "hidden", bool, True)
    job.hide_sample(file, hidden)
    _note_review(call, job, "hide_sample" if hidden else "show_sample")
    return {"hidden": list(job.record.hidden)}


def delete_sample(call: Call) -> dict[str, Any]:
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
            "url": f"jobs/{job.id}/samples/{quote(file)}",
        }
        for job in call.desk.jobs.list()
        for file in job.record.samples[::-1]
    ]
    return {"samples": found[after : after + most], "total": len(found)}


def save(call: Call) -> Response:
    return download(_job(call).save_path(call.path["file"]))


def _job(call: Call) -> Job:
    return call.desk.jobs.get(call.path["id"])


def _after(call: Call) -> int:
    """The number of the last event that the reader knows, of the feed that it names."""
    known = call.query.get("feed", "")
    return 0 if known and known != _job(call).feed.id else call.number("after", 0, 0, 2**53)


ROUTES = (
    Entry("GET", "/jobs", all_jobs),
    Entry("POST", "/jobs", begin, slow=True),
    Entry("POST", "/jobs/resume-all", resume_all),
    Entry("GET", "/jobs/{id}", summary),
    Entry("DELETE", "/jobs/{id}", delete, slow=True),
    Entry("POST", "/jobs/{id}/clone", clone, slow=True),
    Entry("POST", "/jobs/{id}/move", move),
    Entry("POST", "/jobs/{id}/priority", prefer),
    Entry("POST", "/jobs/{id}/pause", steered(Job.pause)),
    Entry("POST", "/jobs/{id}/resume", resume),
    Entry("POST", "/jobs/{id}/stop", steered(Job.stop)),
    Entry("POST", "/jobs/{id}/stop-and-save", steered(Job.stop_and_save)),
    Entry("POST", "/jobs/{id}/more", more),
    Entry("GET", "/jobs/{id}/events", events, before=wait_for_news),
    Entry("GET", "/jobs/{id}/curve", curve),
    Entry("GET", "/jobs/{id}/samples/{file}", sample),
    Entry("PUT", "/jobs/{id}/samples/{file}/hidden", hide_sample, admin=True),
    Entry("DELETE", "/jobs/{id}/samples/{file}", delete_sample),
    Entry("GET", "/samples", review, admin=True),
    Entry("GET", "/jobs/{id}/saves/{file}", save),
)
