"""Captions by hand and by models, and pictures of a class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

from .common import Run, Told


class Captions(TypedDict):
    """{picture: caption}"""

    captions: dict[str, str]


@dataclass(frozen=True)
class CaptionsChange:
    """`known` is what the sender took for the present captions: where that is not so, nothing is written."""

    captions: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] | None = None


class Conflict(TypedDict):
    """A caption that has changed meanwhile, as it is now; null where the picture is gone."""

    name: str
    now: str | None


class SavedCaptions(TypedDict):
    """What was written, under which backup it can be taken back, and what was not since it has changed meanwhile."""

    backup: str
    written: list[str]
    conflicts: list[Conflict]


class Backup(TypedDict):
    """What can be taken back; `time` in seconds since 1970."""

    id: str
    time: float
    files: list[str]


@dataclass(frozen=True)
class Restore:
    """The id of a backup."""

    backup: str = ""


class TagCount(TypedDict):
    """In how many captions a tag stands."""

    tag: str
    count: int


class Tags(TypedDict):
    """Of `pictures` captions, `missing` of them empty."""

    pictures: int
    missing: int
    tags: list[TagCount]


@dataclass(frozen=True)
class Operation:
    """What is to be done (`{"do": ...}` and its values) to captions, or only to those of `names`."""

    operation: dict[str, Any] = field(default_factory=dict)
    captions: dict[str, str] = field(default_factory=dict)
    names: list[str] | None = None


class Captioner(TypedDict):
    """`missing` says what it lacks and where that belongs; null when it can be used."""

    name: str
    models: list[str]
    missing: Told | None


class Vocabulary(TypedDict):
    """Tags that a captioner chooses from. `problem` says why it cannot be used."""

    name: str
    own: bool
    shipped: bool
    text: str
    tags: list[str]
    most: int
    threshold: float
    problem: Told | None


@dataclass(frozen=True)
class VocabularyChange:
    """The whole `text`, or only other values."""

    text: str | None = None
    tags: list[str] | None = None
    most: int | None = None
    threshold: float | None = None


@dataclass(frozen=True)
class NewCaptioning:
    """Of models, those that lie in the captioner's folder. `mode`: keep, replace or append."""

    dataset: str = ""
    captioner: str = ""
    model: str = ""
    architecture: str = ""
    threshold: float | None = None
    character_threshold: float | None = None
    most: int = 0
    prompt: str = ""
    mode: str = "keep"
    format: str = "txt"
    trigger: str = ""
    batch: int = 8


class LeftOut(TypedDict):
    """A picture that got no caption."""

    name: str
    reason: Told


class Captioning(TypedDict):
    """How far it is; `result` is null until it has ended."""

    id: str
    state: str
    dataset: str
    captioner: str
    mode: str
    done: int
    total: int
    left_out: list[LeftOut]
    result: dict[str, Any] | None
    message: Told | None


class WatchedCaptioning(Captioning):
    """With the events after the number that was named, and the number to name next."""

    events: list[dict[str, Any]]
    next: int


class Usual(TypedDict):
    """How many pictures suit a run, and in which sizes: [width, height, how many]."""

    count: int
    sizes: list[list[int]]


@dataclass(frozen=True)
class NewRegularization(Run):
    """`count` 0: as many as suit the run; `name`: of the data set that they go into."""

    prompts: list[str] = field(default_factory=list)
    count: int = 0
    negative_prompt: str = ""
    name: str = ""


class Regularization(TypedDict):
    """Pictures of a class, on their way; `names` are those of the newest."""

    id: str
    state: str
    dataset: str
    name: str
    folder: str
    prompts: list[str]
    negative_prompt: str
    done: int
    total: int
    names: list[str]
    result: dict[str, Any] | None
    message: Told | None
