"""The whole at a glance, and who one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from .common import Told
from .datasets import DataSet
from .jobs import Device, Job, Place

Role = Literal["admin", "user"]


class Visitor(TypedDict):
    """Who one is here. The name is empty where nobody has to sign in."""

    name: str
    role: Role


@dataclass(frozen=True)
class SignIn:
    """With `bearer` the token is in the answer, for a program; else in a cookie, for a browser."""

    name: str = ""
    password: str = ""
    bearer: bool = False


class SignedIn(Visitor, total=False):
    """The token, for the header `Authorization: Bearer`, and for how many seconds it is good."""

    token: str
    seconds: float


class Ticket(TypedDict):
    """Opens one WebSocket within half a minute: `?ticket=` in its address."""

    ticket: str


class Base(TypedDict):
    """The model that is trained on."""

    name: str
    family: str
    lineage: str
    prediction_type: str
    native_resolution: int


class Host(TypedDict):
    """Whose base it is. `problem` says why nothing can be trained now; null when `ready`."""

    kind: str
    ready: bool
    problem: Told | None
    base: Base | None
    give_way: bool
    gives_way: bool
    lora_folder: str
    device: str


@dataclass(frozen=True)
class HostChange:
    """`give_way`: whether generations of the user come in between."""

    give_way: bool = True


class Habits(TypedDict):
    """What is done without being asked for.

    `grid_at_end`: the usual grid is drawn when a run ends. `goes_on`: what the end of the program interrupted goes on
    by itself at the next start.
    """

    grid_at_end: bool
    goes_on: bool


@dataclass(frozen=True)
class HabitsChange:
    """What is left out stays."""

    grid_at_end: bool | None = None
    goes_on: bool | None = None


class State(TypedDict):
    """The whole. `jobs` are all that have not ended and the newest of the others; `line` is who waits, next first.

    `places` are where runs may be. `problem` says what is wrong with the list of runs. `sockets`: the same is
    told by the WebSocket `/live`.
    """

    version: str
    sockets: bool
    host: Host
    datasets: list[DataSet]
    jobs: list[Job]
    current: str | None
    line: list[Place]
    problem: Told | None
    places: list[Device]
    habits: Habits
    notices: list[dict[str, Any]]
    visitor: Visitor
