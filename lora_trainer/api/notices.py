"""Channels that notices go out through: set up, tried, changed, removed. What is secret comes in and never out."""

from __future__ import annotations

import dataclasses
from collections.abc import Set
from typing import Any

from ..notices import CHANNELS, OCCASIONS, Notice
from ..notices.notice import USUAL
from ..notices.settings import Channel
from ..wire import notices as wire
from ..wire.common import Nothing
from .call import Call, Entry


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
    """Set one up."""
    given, settings = call.given(wire.NewChannel), call.desk.notices.settings
    when = USUAL if given.when is None else given.when
    return channel_json(settings.add(given.kind, given.name, given.values, when, inner=_inner(call)))


def change(call: Call) -> dict[str, Any]:
    """Its name, what it tells, and whether it does; where it leads stays."""
    given, settings = call.given(wire.ChannelChange), call.desk.notices.settings
    return channel_json(settings.change(call.path["id"], name=given.name, when=given.when, on=given.on))


def remove(call: Call) -> dict[str, Any]:
    """Forget one with its secrets."""
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
    Entry("GET", "/notices", everything, admin=True, gives=wire.Channels),
    Entry("POST", "/notices", add, admin=True, takes=wire.NewChannel, gives=wire.Channel),
    Entry("PUT", "/notices/{id}", change, admin=True, takes=wire.ChannelChange, gives=wire.Channel),
    Entry("DELETE", "/notices/{id}", remove, admin=True, gives=Nothing),
    Entry("POST", "/notices/{id}/test", test, slow=True, admin=True, gives=wire.Outcome),
)
