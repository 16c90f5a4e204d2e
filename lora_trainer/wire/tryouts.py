"""Try-outs: saves x strengths."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from .common import Told


@dataclass(frozen=True)
class NewTryOut:
    """Every save at every strength for every prompt, from one seed (-1: a random one). A size of 0 is the base's own.

    `pause`: the run is paused for it. `single`: a picture beside the run's grid. `score`: a save is proposed.
    """

    job: str = ""
    saves: list[str] = field(default_factory=list)
    strengths: list[float] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    negative_prompt: str = ""
    seed: int = -1
    width: int = 0
    height: int = 0
    steps: int = 20
    guidance: float = 7.0
    sampler: str = "euler"
    score: bool = True
    single: bool = False
    pause: bool = False


class TryOutRequest(TypedDict):
    """What is drawn."""

    saves: list[str]
    strengths: list[float]
    prompts: list[str]
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    sampler: str
    score: bool


class Cell(TypedDict):
    """A picture that is drawn; `prompt` is its number."""

    n: int
    save: str
    step: int
    strength: float
    prompt: int
    seed: int
    url: str


class Verdict(TypedDict):
    """What judges say: a score of each cell, and the `proposal` with its reasons; null where nothing can be said."""

    cells: list[dict[str, Any]]
    bare: float | None
    ceiling: float | None
    spread: float | None
    judges: dict[str, str]
    missing: list[Told]
    prompts: list[str]
    without_word: list[int]
    word: str
    proposal: dict[str, Any] | None


class KeptVerdict(Verdict):
    """Of a grid that was drawn some time ago."""

    version: int
    made: float


class TryOut(TryOutRequest):
    """How far it is, with the cells after the number that was named. `waits_for` is the run that has the model."""

    id: str
    state: Literal["waiting", "drawing", "judging", "done", "stopped", "failed"]
    automatic: bool
    total: int
    job: str
    save_steps: dict[str, int]
    waits_for: str | None
    cells: list[Cell]
    without_word: list[int]
    verdict: dict[str, Any] | None
    message: Told | None


class Sheet(TypedDict):
    """Where it lies on the server's machine, and what fetches it."""

    file: str
    url: str
