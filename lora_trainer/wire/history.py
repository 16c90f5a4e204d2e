"""Runs that were: found, compared, voted on, remarked on, and cleared away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

from .common import Told


class PastRun(TypedDict):
    """A run as its folder tells of it; null where it never came to a figure. `sizes` are bytes by kind."""

    id: str
    name: str
    state: str
    owner: str
    created: float
    ended: float
    base: str
    family: str
    trigger_word: str
    preset: str
    dataset: str
    step: int
    total_steps: int
    best_step: int
    pictures: int
    loss: float | None
    validation: float | None
    seconds: float
    message: Told | None
    published: str | None
    over: bool
    rating: int
    comment: str
    archived: bool
    sizes: dict[str, int]
    thumbnail: str | None


class PastRunDetails(PastRun):
    """With what was written down about where it ran."""

    environment: dict[str, Any]


class FoundRuns(TypedDict):
    """A page of runs, of `total` in all."""

    runs: list[PastRun]
    total: int
    page: int


@dataclass(frozen=True)
class Remark:
    """What is left out stays. `rating`: 0 for none, else 1 to 5 stars; `archived`: it is put away."""

    rating: int | None = None
    comment: str | None = None
    archived: bool | None = None


class Difference(TypedDict):
    """An option that not all runs have alike; `values` are theirs, in their order."""

    path: str
    help: str
    values: list[Any]


class Samples(TypedDict):
    """Pictures of one prompt and seed: for each run a row, with null where it has none after that many steps."""

    prompt: str
    seed: int
    steps: list[float]
    pictures: list[list[str | None]]


class Grid(TypedDict):
    """As samples, by strength."""

    prompt: str
    seed: int
    strengths: list[float]
    pictures: list[list[str | None]]


class Votes(TypedDict):
    """Votes between two runs: how often each won, and with what confidence that tells which is better."""

    runs: list[str]
    wins: list[int]
    ties: int
    share: float | None
    low: float | None
    high: float | None
    chance: float
    verdict: str
    better: str


class Compared(TypedDict):
    """Runs beside each other."""

    runs: list[PastRun]
    options: list[Difference]
    strips: list[Samples]
    grids: list[Grid]
    results: list[Votes]


@dataclass(frozen=True)
class Compete:
    """The ids of runs that are to be voted on."""

    jobs: list[str] = field(default_factory=list)


class Ballot(TypedDict):
    """Two pictures to choose from; `left` and `right` fetch them."""

    id: str
    prompt: str
    seed: int
    strength: float
    kind: str
    left: str
    right: str


@dataclass(frozen=True)
class Vote:
    """left, right, or same."""

    choice: str = ""


class Side(TypedDict):
    """Whose picture it was."""

    id: str
    name: str
    step: int


class Voted(TypedDict):
    """Whose pictures they were, and what all votes tell by now."""

    left: Side
    right: Side
    results: list[Votes]


@dataclass(frozen=True)
class Free:
    """Kinds of files of these runs; with `really` they are deleted."""

    jobs: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    really: bool = False


class Freed(TypedDict):
    """Bytes that these files take, by run and kind, and in all; `refused` says why of some runs nothing may go."""

    bytes: dict[str, dict[str, int]]
    total: int
    refused: dict[str, Told | None]
