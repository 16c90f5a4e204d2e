"""Options, presets, and what is said of a run before it is begun and after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

from .common import Options, Problem, Run, Told


class Option(TypedDict):
    """One option of the configuration."""

    path: str
    type: str
    default: Any
    help: str
    level: str
    least: float | None
    most: float | None
    choices: list[Any]


class Section(TypedDict):
    """Options that stand together."""

    name: str
    options: list[Option]


class AllOptions(TypedDict):
    """Every option, in the order of the configuration."""

    sections: list[Section]


class Checked(TypedDict):
    """Everything that is wrong with a run's options; without problems, what the run will be, in numbers and words."""

    problems: list[Problem]
    summary: dict[str, Any] | None
    sentence: Told | Problem


class ReadValues(TypedDict):
    """Nested option values."""

    values: dict[str, Any]


class Preset(TypedDict):
    """A starting point. `values` are nested options; `own`: it is the user's."""

    name: str
    title: Told
    why: Told
    values: dict[str, Any]
    families: list[str]
    base: str
    lineage: str
    goal: str
    own: bool


class KeptPreset(Preset):
    """`left_out` are the paths of options that a preset does not hold: bases, paths, names."""

    left_out: list[str]


@dataclass(frozen=True)
class NewPreset:
    """Keeps what `values` change. `replace`: one of that name may be there."""

    title: str = ""
    why: str = ""
    values: Options = field(default_factory=dict)
    replace: bool = False


@dataclass(frozen=True)
class PresetText:
    """A shared preset or a file of options; `source` is what the file was called."""

    text: str = ""
    source: str = ""
    replace: bool = False


@dataclass(frozen=True)
class Wish(Run):
    """A run, what its pictures show, and the paths of options that are to stay as they are."""

    goal: str = ""
    kept: list[str] = field(default_factory=list)


class Reason(Told):
    """Why the options of these paths are as they are."""

    paths: list[str]


class Recommendation(TypedDict):
    """Options that suit, the preset that they come from, and the reasons."""

    preset: str
    values: dict[str, Any]
    reasons: list[Reason]


@dataclass(frozen=True)
class MemoryOf(Run):
    """`patient`: while the model is at work, answer only what is known already."""

    patient: bool = False


class Estimate(TypedDict):
    """Bytes that a run needs of the device's `total`; `milder` are option values by path that would fit."""

    bytes: int
    total: int
    weights: int
    trained: int
    activations: int
    fits: bool
    milder: dict[str, Any]
    sentence: Told


class Later(TypedDict):
    """Ask again when the model is free."""

    later: bool


class Inquiry(TypedDict):
    """A question that takes its time. `answer` is null until it is done."""

    id: str
    kind: str
    state: str
    phase: str
    done: int
    total: int
    message: Told | None
    answer: dict[str, Any] | None


class Advice(TypedDict):
    """What was the matter with a run; `changes` are option values by path for the next one."""

    code: str
    step: int
    sentence: Told
    changes: dict[str, Any]
    pictures: bool


class Diagnosis(TypedDict):
    """What a run's records call for."""

    advice: list[Advice]
