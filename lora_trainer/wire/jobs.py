"""Jobs, their events, saves and samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, TypedDict

from .common import Options, Run, Shape, Told

JobState = Literal[
    "queued", "preparing", "running", "paused", "stopping", "finished", "stopped", "failed", "interrupted"
]


class Save(TypedDict):
    """A LoRA file of a run; `url` fetches it, below the routes' prefix."""

    file: str
    step: int
    final: bool
    url: str


class Published(TypedDict):
    """A LoRA that lies in the host's folder."""

    name: str
    file: str
    tag: str


class PublishedSave(Published, total=False):
    """With the save that it was; runs of earlier versions do not know that."""

    save: str


class Kept(PublishedSave):
    """With what there is to say of it."""

    trigger_word: str
    remarks: list[Told]


class Job(TypedDict):
    """A run. `created` and `ended` are seconds since 1970, `ended` is 0 before. `values` are what was set.

    `device` is where it runs, or ran last. Of two that wait, the one of higher `priority` comes first, then the one of
    lower `place`.
    """

    id: str
    name: str
    state: JobState
    wish: str
    step: int
    total_steps: int
    seconds_left: float
    message: Told | None
    dataset: str
    trigger_word: str
    values: dict[str, Any]
    created: float
    ended: float
    priority: int
    place: float
    device: str
    saves: list[Save]
    best_step: int
    published: PublishedSave | None
    tryout: str | None
    owner: str


class Place(TypedDict):
    """Who waits for the model; empty for what is another user's."""

    id: str
    name: str


@dataclass(frozen=True)
class NewJob(Run):
    """`replace`: a LoRA of that name may be there. A `priority` above 0 is the admins'."""

    replace: bool = False
    priority: int = 0


@dataclass(frozen=True)
class Changes:
    """What is to be otherwise."""

    values: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Move:
    """The run before which it is to stand; empty: behind all."""

    before: str = ""


@dataclass(frozen=True)
class Priority:
    """0 is the usual one."""

    priority: int = 0


@dataclass(frozen=True)
class More:
    """How many steps further."""

    steps: int = 0


Happening = Annotated[
    dict[str, Any],
    Shape(
        {
            "type": "object",
            "description": "An event under its number. Its other values are those of its kind (`events.py`).",
            "properties": {"n": {"type": "integer"}, "kind": {"type": "string"}},
            "required": ["n", "kind"],
            "additionalProperties": True,
        }
    ),
]


class Events(TypedDict):
    """What came after the number that the reader knows: `next` is the one to ask with next, of the feed `feed`.

    The numbers of another feed mean nothing here: a reader that names the one it knows gets all anew.
    """

    events: list[Happening]
    next: int
    feed: str
    job: Job


class Curve(TypedDict):
    """Points of the loss curve; `validation` holds [step, loss], `rates` a list for each group of weights."""

    steps: list[int]
    loss: list[float | None]
    smooth: list[float | None]
    validation: list[list[float | None]]
    rates: dict[str, list[float | None]]


@dataclass(frozen=True)
class Hide:
    """Whether the owner sees it no more."""

    hidden: bool = True


class Hidden(TypedDict):
    """The samples of a run that are hidden."""

    hidden: list[str]


class ReviewedSample(TypedDict):
    """A sample of somebody's run."""

    job: str
    name: str
    owner: str
    file: str
    hidden: bool
    url: str


class Review(TypedDict):
    """Samples of all runs, `total` in all."""

    samples: list[ReviewedSample]
    total: int


@dataclass(frozen=True)
class Keep:
    """The save that becomes the final file, at this strength, under this name or the run's own."""

    save: str = ""
    strength: float = 1.0
    replace: bool = False
    name: str = ""
