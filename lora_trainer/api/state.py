"""The whole at a glance: the host, its base, data sets and jobs."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from .. import __version__, devices, packages
from ..errors import UserError
from ..host.base import Host
from ..jobs.job import Job
from ..jobs.states import ENDED
from ..presets import lineage_of
from ..sentences import to_json
from ..wire import house as wire
from .answers import json_answer, json_text
from .call import Call, Entry
from .datasets import all_json
from .glances import Signs
from .notices import recent_json
from .session import visitor_json
from .shown import job_json, line_json, places_json

SOCKETS = any(importlib.util.find_spec(package) for package in ("websockets", "wsproto"))
"""Whether a server in this process can open WebSockets: uvicorn needs one of these, and complains at every try."""
RECENT = 30
"""How many jobs that have ended are told of; `/jobs` tells of all."""


def state_json(call: Call) -> dict[str, Any]:
    """A State, put together anew."""
    desk = call.desk
    current = desk.jobs.current()
    return {
        "version": __version__,
        "sockets": SOCKETS,
        "host": host_json(desk.host),
        "datasets": all_json(desk),
        "jobs": [job_json(job) for job in _at_hand(desk.jobs.list())],
        "current": current.id if current else None,
        "line": line_json(desk),
        "problem": to_json(desk.jobs.problem) if desk.jobs.problem else None,
        "places": places_json(desk),
        "habits": desk.habits.to_json(),
        "notices": recent_json(call),
        "visitor": visitor_json(call),
    }


def state(call: Call) -> Response:
    """All that a page shows: the host, data sets, jobs, and who waits. Programs may ask for it every second."""
    return json_answer(state_text(call))


def state_at_hand(call: Call) -> Response | None:
    """The same, where somebody has asked a moment ago."""
    content = state_text_at_hand(call)
    return json_answer(content) if content is not None else None


def state_text(call: Call) -> bytes:
    """A State in JSON as it is now, put together once for all pages and sockets of the visitor."""
    return call.glances.content(call.visitor, _signs(call), lambda: json_text(state_json(call)).encode("utf-8"))


def state_text_at_hand(call: Call) -> bytes | None:
    """The same, where it was put together a moment ago and nothing has changed: found without waiting."""
    return call.glances.ready(call.visitor, _signs(call))


def _signs(call: Call) -> Signs:
    """Whatever a visitor changes is seen by the next glance of everybody."""
    return lambda: (
        call.glances.stirred,
        *(part for job in call.desk.jobs.list() for part in (job.record, job.control.wish)),
    )


def _at_hand(jobs: Sequence[Job]) -> list[Job]:
    """All that have not ended, and the newest of those that have: this is asked every second, and runs are kept."""
    ended = [job for job in jobs if job.state in ENDED][:RECENT]
    return [job for job in jobs if job.state not in ENDED or job in ended]


def set_host(call: Call) -> dict[str, Any]:
    """Whether generations of the user come in between."""
    host = call.desk.host
    if hasattr(host, "gives_way"):
        host.gives_way = call.given(wire.HostChange).give_way
    return host_json(host)


def set_habits(call: Call) -> dict[str, Any]:
    """What is done without being asked for."""
    habits, given = call.desk.habits, call.given(wire.HabitsChange)
    habits.turn(**{name: on for name, on in dataclasses.asdict(given).items() if on is not None})
    return habits.to_json()


def host_json(host: Host) -> dict[str, Any]:
    """What a page shows of the host; `problem` says why nothing can be trained now."""
    base = None
    problem: str | None = packages.problem()
    try:
        info = host.describe()
        base = {
            "name": info.name,
            "family": info.family,
            "lineage": lineage_of(info),
            "prediction_type": info.prediction_type,
            "native_resolution": info.native_resolution,
        }
    except UserError as error:
        problem = problem or error.sentence
    return {
        "kind": host.kind,
        "ready": problem is None,
        "problem": to_json(problem) if problem else None,
        "base": base,
        "give_way": bool(getattr(host, "gives_way", False)),
        "gives_way": hasattr(host, "gives_way"),
        "lora_folder": str(host.lora_folder()),
        "device": devices.label(devices.choose()),
    }


ROUTES = (
    Entry("GET", "/state", state, at_once=state_at_hand, gives=wire.State),
    Entry("PUT", "/host", set_host, admin=True, takes=wire.HostChange, gives=wire.Host),
    Entry("PUT", "/habits", set_habits, admin=True, takes=wire.HabitsChange, gives=wire.Habits),
)
