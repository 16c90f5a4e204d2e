"""What is known of a job, as plain values: what the store of jobs keeps."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import options, sentences
from ..config import TrainConfig
from .states import QUEUED


@dataclass(frozen=True)
class Save:
    """A LoRA file in the job's folder."""

    file: str
    step: int
    final: bool


@dataclass(frozen=True)
class Record:
    """All that is known of a job. `values` are what the user set, `config` is the whole configuration that follows.

    Of two that wait, the one of higher `priority` comes first, then the one of the lower `place`; 0 is no place yet.
    """

    id: str
    name: str
    values: dict[str, Any]
    config: dict[str, Any] = field(default_factory=dict)
    dataset: str = ""
    base: dict[str, str] = field(default_factory=dict)
    """The base that it was lined up for, see `bases.base_of`; empty where an earlier version has lined it up."""
    replace: bool = False
    owner: str = ""
    created: float = 0.0
    ended: float = 0.0
    """Seconds of the clock; 0 before."""
    priority: int = 0
    place: float = 0.0
    state: str = QUEUED
    step: int = 0
    total_steps: int = 0
    seconds_left: float = 0.0
    family: str = ""
    best_step: int = 0
    message: str = ""
    device: str = ""
    """The name of the place where it runs, or ran last."""
    saves: tuple[Save, ...] = ()
    samples: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    """Samples that an admin has hidden from the owner."""
    published: dict[str, str] | None = None
    crashes: int = 0
    """How many times the program ended while it ran, without its coming any further in between."""
    crashed_at: int = -1
    """The step that it would have gone on from each of these times; -1 before the first."""
    tryout: str = ""
    """The id of its newest grid."""

    @classmethod
    def new(cls, job_id: str, config: TrainConfig, values: Mapping[str, Any] | None, **known: Any) -> Record:
        """Of a job that begins now. Without `values`, all of the configuration was set."""
        whole = options.to_values(config)
        given = dict(values) if values is not None else whole
        name, now = config.save.name, time.time()
        return cls(job_id, name, given, whole, created=now, total_steps=config.steps, **known)

    def to_json(self) -> dict[str, Any]:
        """Plain values that `from_json` reads; a message keeps its code, so that it can still be translated."""
        return {**dataclasses.asdict(self), "message": sentences.to_json(self.message) if self.message else None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Record:
        """Also of another version of this program: what it did not know has its default, what it knew more is left.

        Raises ValueError, TypeError or KeyError for values that are no record.
        """
        known = {item.name for item in dataclasses.fields(cls)}
        given = {key: value for key, value in values.items() if key in known}
        given["saves"] = tuple(Save(save["file"], save["step"], save["final"]) for save in given.get("saves", ()))
        given["samples"], given["hidden"] = tuple(given.get("samples", ())), tuple(given.get("hidden", ()))
        given["message"] = sentences.from_json(given["message"]) if given.get("message") else ""
        return cls(**given)
