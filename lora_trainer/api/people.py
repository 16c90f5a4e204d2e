"""What people use and may use: everybody's for an admin, one's own for each."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..files.disk import free_bytes
from ..jobs.limits import EVERYBODY
from ..jobs.states import ENDED
from ..wire import house as wire
from .call import Call, Entry


def own(call: Call) -> dict[str, Any]:
    """What the visitor has used of what they may use."""
    return _person(call, call.visitor.name)


def overview(call: Call) -> dict[str, Any]:
    """Resources in use: the model's holder, the line, the disk, and each user with limits and use."""
    desk = call.desk
    holder = desk.jobs.turn.holder
    names = {job.record.owner for job in desk.jobs.list()} | set(desk.limiter.store.all())
    names |= {name for owners in desk.datasets.owners.all().values() for name in owners}
    return {
        "on_the_model": {"name": holder.name, "job": holder.job} if holder else None,
        "waiting": [job.id for job in desk.jobs.everybody_in_line()],
        "disk_free": free_bytes(desk.host.data_folder()),
        "everybody": dataclasses.asdict(desk.limiter.store.of(EVERYBODY)),
        "people": [_person(call, name) for name in sorted(names - {"", EVERYBODY})],
    }


def set_limits(call: Call) -> dict[str, Any]:
    """Some of the limits of one user, or of `*`: all who have none of their own."""
    call.desk.limiter.store.set(call.path["name"], call.json())
    return _person(call, call.path["name"])


def _person(call: Call, name: str) -> dict[str, Any]:
    limiter, jobs = call.desk.limiter, call.desk.jobs.list()
    return {
        "name": name,
        "limits": dataclasses.asdict(limiter.store.of(name)),
        "used": dataclasses.asdict(limiter.used(name)),
        "under_way": [job.id for job in jobs if job.record.owner == name and job.state not in ENDED],
    }


ROUTES = (
    Entry("GET", "/usage", own, slow=True, gives=wire.Person),
    Entry("GET", "/people", overview, slow=True, admin=True, gives=wire.People),
    Entry(
        "PUT",
        "/people/{name}/limits",
        set_limits,
        slow=True,
        admin=True,
        takes=wire.LimitsChange,
        gives=wire.Person,
    ),
)
