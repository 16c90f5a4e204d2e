"""Channels that notices go out through: set up, tried, changed, removed. What is secret comes in and never out."""

from __future__ import annotations

import dataclasses
from collections.abc import Set
from typing import Any

from ..notices import CHANNELS, OCCASIONS, Notice
from ..notices.notice import USUAL
from ..notices.settings import Channel
from .call import Call, Entry, list_of, value_of


def everything(call: Call) -> dict[str, Any]:
    """The channels, each with how its newest notice went, and what can be set up here."""
    settings = call.desk.notices.settings
    outcomes = settings.outcomes()
    kinds = {name: [dataclasses.asdict(field) for field in CHANNELS.get(name).fields] for name in CHANNELS.names()}
    return {
        "channels": [{**channel.to_json(), "outcome": outcomes.get(channel.id)} for channel in settings.list()],
        "kinds": kinds,
        "occasions": list(OCCASIONS),
        "usual": list(USUAL),
        "inner": _inner(call),
    }


def add(call: Call) -> dict[str, Any]:
    given = call.json()
    values = value_of(given, "values", dict, {})
    texts = {str(name): value_of(values, name, str, "") for name in values}
    when = list_of(given, "when", str) if given.get("when") is not None else USUAL
    kind, name = value_of(given, "kind", str, ""), value_of(given, "name", str, "")
    return channel_json(call.desk.notices.settings.add(kind, name, texts, when, inner=_inner(call)))


def change(call: Call) -> dict[str, Any]:
    """Its name, what it tells, and whether it does; where it leads stays."""
    given = call.json()
    settings = call.desk.notices.settings
    changed = settings.change(
        call.path["id"],
        name=value_of(given, "name", str, "") if given.get("name") is not None else None,
        when=list_of(given, "when", str) if given.get("when") is not None else None,
        on=value_of(given, "on", bool, True) if given.get("on") is not None else None,
    )
    return channel_json(changed)


def remove(call: Call) -> dict[str, Any]:
    call.desk.notices.settings.remove(call.path["id"])
    return {}


def test(call: Call) -> dict[str, Any]:
    """Send a test notice, and say how that went."""
    return call.desk.notices.test(call.path["id"])


def recent_json(call: Call) -> list[dict[str, Any]]:
    """The newest notices, as far as they are about runs that the visitor may see."""
    mine = {job.id for job in call.desk.jobs.list()}
    return [one.to_json() for one in call.desk.notices.recent if call.visitor.sees_all or _is_about(one, mine)]


def _is_about(notice: Notice, jobs: Set[str]) -> bool:
    about = {*notice.facts.get("jobs", ()), *filter(None, [notice.facts.get("job")])}
    return bool(about) and about <= jobs


def channel_json(channel: Channel) -> dict[str, Any]:
    return {**channel.to_json(), "outcome": None}


def _inner(call: Call) -> bool:
    """Whether who asks may let this machine ask its own network: on a page that nobody else can reach."""
    return not call.desk.datasets.roots.limited


ROUTES = (
    Entry("GET", "/notices", everything, admin=True),
    Entry("POST", "/notices", add, admin=True),
    Entry("PUT", "/notices/{id}", change, admin=True),
    Entry("DELETE", "/notices/{id}", remove, admin=True),
    Entry("POST", "/notices/{id}/test", test, slow=True, admin=True),
)
