"""What can go wrong with a run, recognised from its events: a condition is a file in `conditions/` and nothing else.

A condition reads the events of one run in their order. It speaks once, with numbers and with the options that would
have been better; healthy runs leave all of them silent.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..config import TrainConfig
from ..events import Advised, Event, Failed, Finished, Paused
from ..registry import Registry
from ..sentences import Sentence
from . import conditions

ENDS = (Finished, Failed, Paused)
CONDITIONS: Registry[type[Condition]] = Registry("condition")


@dataclass(frozen=True)
class Advice:
    """What was recognised, and the options (by their paths) that the next run should have.

    `pictures` says that pictures or captions are what to change.
    """

    sentence: Sentence
    changes: dict[str, Any] = field(default_factory=dict)
    pictures: bool = False


class Condition(ABC):
    """Something that can be wrong with a run; `title` says what it is, and `remedy` what to do, for the README."""

    name: ClassVar[str]
    title: ClassVar[str]
    remedy: ClassVar[str]

    def __init__(self, config: TrainConfig) -> None:
        self.config = config

    @abstractmethod
    def see(self, event: Event) -> Advice | None:
        """Take in the next event; advice as soon as there is some. An event of ENDS is the last one."""


class Adviser:
    """Watches a run for everything in the catalogue."""

    def __init__(self, config: TrainConfig) -> None:
        self._watching = [condition(config) for condition in CONDITIONS]

    def see(self, event: Event) -> Iterator[Advised]:
        """Advice that this event makes due; a condition gives it once."""
        for condition in list(self._watching):
            advice = condition.see(event)
            if advice is not None:
                self._watching.remove(condition)
                sentence, step = advice.sentence, getattr(event, "step", 0)
                yield Advised(sentence.code, sentence, step, dict(sentence.values), advice.changes, advice.pictures)


def troubleshooting() -> str:
    """The catalogue as rows of a Markdown table."""
    return "".join(f"| {condition.title} | {condition.remedy} |\n" for condition in CONDITIONS)


def rounded(rate: float) -> float:
    """A rate with two digits."""
    return float(f"{rate:.1e}")


for _found in pkgutil.iter_modules(conditions.__path__):
    importlib.import_module(f"{conditions.__name__}.{_found.name}")
