"""People: who may sign in, what they use and may use, and what admins did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from .house import Role


class Limits(TypedDict):
    """0 is no limit. `jobs` that wait or are under way; `disk` in GB; `hours` and `runs` of a calendar month."""

    jobs: int
    disk: float
    hours: float
    runs: int


@dataclass(frozen=True)
class LimitsChange:
    """What is left out stays."""

    jobs: int | None = None
    disk: float | None = None
    hours: float | None = None
    runs: int | None = None


class Person(TypedDict):
    """What somebody may use, has used, and has under way (ids of runs).

    `role` is null where they have no account here; `own_limits` is false where those of everybody hold.
    """

    name: str
    role: Role | None
    disabled: bool
    limits: Limits
    own_limits: bool
    used: Limits
    under_way: list[str]


@dataclass(frozen=True)
class NewPerson:
    """An account: a password has at least ten letters."""

    name: str = ""
    password: str = ""
    role: str = "user"


@dataclass(frozen=True)
class PersonChange:
    """What is left out stays. A new password, and being `disabled`, sign out everywhere."""

    password: str | None = None
    role: str | None = None
    disabled: bool | None = None


@dataclass(frozen=True)
class OwnPassword:
    """Of whoever asks: the one until now, and the new one."""

    old: str = ""
    new: str = ""


class OnTheModel(TypedDict):
    """Who has the model; `job` is the id of its run."""

    name: str
    job: str


class InLine(TypedDict):
    """A run that waits."""

    id: str
    name: str
    owner: str


class People(TypedDict):
    """Resources in use, and by whom; `everybody` are the limits of who has none of their own.

    `damaged` are files of limits and use that could not be read and were put aside. `accounts`: whether people sign in
    by accounts of this server.
    """

    device: str
    on_the_model: OnTheModel | None
    waiting: list[str]
    line: list[InLine]
    disk_free: int
    everybody: Limits
    damaged: list[str]
    accounts: bool
    people: list[Person]


class Did(TypedDict, total=False):
    """`who` did `what` to `whom`, `at` which second of the clock; with what was set, or the run and its picture."""

    at: float
    who: str
    what: str
    whom: str
    role: str
    jobs: float
    disk: float
    hours: float
    runs: float
    run: str
    file: str


class AuditLog(TypedDict):
    """What admins did, the newest first."""

    rows: list[Did]
