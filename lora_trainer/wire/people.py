"""Who may sign in, what they use and may use, and what admins did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from .common import Shape
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

    `role` is null for who has no account here. `own_limits`: they hold for this one alone.
    """

    name: str
    role: Role | None
    disabled: bool
    limits: Limits
    own_limits: bool
    used: Limits
    under_way: list[str]


class OnTheModel(TypedDict):
    """Who has the model; `job` is the id of its run."""

    name: str
    job: str


class InLine(TypedDict):
    """A run that waits for the model, and whose it is."""

    id: str
    name: str
    owner: str


class People(TypedDict):
    """Resources in use, and by whom; `everybody` are the limits of who has none of their own.

    `waiting` are the ids of `line`. `damaged` are files of limits that could not be read: what they held is not in
    force. `accounts`: people sign in by accounts of Train LoRA, and admins can add and change them.
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


@dataclass(frozen=True)
class NewAccount:
    """`role` is user or admin."""

    name: str = ""
    password: str = ""
    role: str = "user"


@dataclass(frozen=True)
class AccountChange:
    """What is left out or empty stays. Nobody can sign in by an account that is `disabled`."""

    password: str = ""
    role: str = ""
    disabled: bool | None = None


@dataclass(frozen=True)
class NewPassword:
    """The one that is good now, and the one that is to be."""

    old: str = ""
    new: str = ""


AuditRow = Annotated[
    dict[str, Any],
    Shape(
        {
            "type": "object",
            "description": "`who` did `what` to `whom`, `at` seconds since 1970. Other values are those of the deed.",
            "properties": {name: {"type": "string"} for name in ("who", "what", "whom")} | {"at": {"type": "number"}},
            "required": ["at", "who", "what", "whom"],
            "additionalProperties": True,
        }
    ),
]


class AuditLog(TypedDict):
    """The newest first."""

    rows: list[AuditRow]
