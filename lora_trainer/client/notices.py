"""Channels through which a server tells people who are elsewhere: for its admins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from ..wire import notices as told
from .connection import Connection, place


class Notices:
    """Set up, tried, changed and forgotten. Secrets go to the server, and never come back."""

    def __init__(self, server: Connection) -> None:
        self._server = server

    def overview(self) -> told.Channels:
        """The channels, each with how its newest notice went, and what can be set up there."""
        return cast(told.Channels, self._server.json("GET", "/notices"))

    def add(
        self, kind: str, values: Mapping[str, str], *, name: str = "", when: Iterable[str] | None = None
    ) -> told.Channel:
        """Set one up; `values` by the fields of its kind, `when` the occasions that it tells of, None: the usual."""
        given = {"kind": kind, "name": name, "values": dict(values), "when": None if when is None else [*when]}
        return cast(told.Channel, self._server.json("POST", "/notices", given))

    def change(
        self, channel: str, *, name: str | None = None, when: Iterable[str] | None = None, on: bool | None = None
    ) -> told.Channel:
        """Its name, what it tells, whether it does; what is not given stays. Where it leads cannot be changed."""
        given = {"name": name, "when": None if when is None else [*when], "on": on}
        return cast(told.Channel, self._server.json("PUT", place("notices", channel), given))

    def remove(self, channel: str) -> None:
        """Forget one with its secrets."""
        self._server.json("DELETE", place("notices", channel))

    def test(self, channel: str) -> told.Outcome:
        """Have a test notice sent, and hear how that went."""
        return cast(told.Outcome, self._server.json("POST", place("notices", channel, "test")))
