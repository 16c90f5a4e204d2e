"""Who may sign in to a server, what they use and may use, and a look at everybody's pictures: for its admins."""

from __future__ import annotations

from typing import cast

from ..wire import jobs as told_jobs
from ..wire import people as told
from ..wire.house import Role, Visitor
from .connection import Connection, place

EVERYBODY = "*"
"""Whoever has no limits of their own."""


class People:
    """Accounts, limits and use, and samples of all runs. All but one's own password is the admins'."""

    def __init__(self, server: Connection) -> None:
        self._server = server

    def overview(self) -> told.People:
        """Resources in use, and by whom."""
        return cast(told.People, self._server.json("GET", "/people"))

    def add(self, name: str, password: str, role: Role = "user") -> told.Person:
        """A new account."""
        given = {"name": name, "password": password, "role": role}
        return cast(told.Person, self._server.json("POST", "/people", given))

    def change(
        self, name: str, *, password: str = "", role: Role | None = None, disabled: bool | None = None
    ) -> told.Person:
        """Another password or role, or nobody signs in by it any more; what is not given stays."""
        given = {"password": password, "role": role, "disabled": disabled}
        return cast(told.Person, self._server.json("PUT", place("people", name), given))

    def remove(self, name: str) -> None:
        """Remove an account. What was theirs stays, for admins to see."""
        self._server.json("DELETE", place("people", name))

    def set_own_password(self, old: str, new: str) -> None:
        """Another password for oneself; this client goes on with it, every other session ends."""
        me: Visitor = self._server.json("GET", "/session")
        self._server.json("PUT", "/session/password", {"old": old, "new": new})
        self._server.sign_in_as(me["name"], new)

    def set_limits(
        self,
        name: str = EVERYBODY,
        *,
        jobs: int | None = None,
        disk: float | None = None,
        hours: float | None = None,
        runs: int | None = None,
    ) -> told.Person:
        """Jobs that wait or run, GB of disk, hours and runs of a month; 0 is no limit, what is not given stays."""
        given = {"jobs": jobs, "disk": disk, "hours": hours, "runs": runs}
        changes = {what: value for what, value in given.items() if value is not None}
        return cast(told.Person, self._server.json("PUT", place("people", name, "limits"), changes))

    def drop_limits(self, name: str) -> told.Person:
        """Take somebody's own limits away: what holds for all holds for them."""
        return cast(told.Person, self._server.json("DELETE", place("people", name, "limits")))

    def audit(self) -> list[told.AuditRow]:
        """What admins did, the newest first."""
        log: told.AuditLog = self._server.json("GET", "/audit")
        return log["rows"]

    def samples(self, after: int = 0, limit: int = 200) -> told_jobs.Review:
        """Samples of all runs after the first `after` of them: to look at (`Client.picture`), hide or delete."""
        return cast(told_jobs.Review, self._server.json("GET", "/samples", query={"after": after, "limit": limit}))

    def hide_sample(self, job: str, file: str, hidden: bool = True) -> told_jobs.Hidden:
        """Keep a sample from its owner's eyes, or show it again."""
        where = place("jobs", job, "samples", file, "hidden")
        return cast(told_jobs.Hidden, self._server.json("PUT", where, {"hidden": hidden}))
