"""What captioning a folder tells, beside Preparing and Warned."""

from __future__ import annotations

from dataclasses import dataclass

from ..events import Event


@dataclass(frozen=True)
class Captioned(Event):
    """A picture has its caption: the `done`th of `total`, whose names are paths below the folder, with '/'."""

    done: int
    total: int
    name: str
    caption: str


@dataclass(frozen=True)
class LeftOut(Event):
    """A picture has no new caption, for a reason: the end of a sentence that begins with its name."""

    done: int
    total: int
    name: str
    reason: str


@dataclass(frozen=True)
class Described(Event):
    """The end: how many captions were written now and by an interrupted run before, how many stayed as they were.

    `table` is the file that they were written into, if any; `stopped` says that some pictures had not their turn.
    """

    written: int
    before: int
    kept: int
    left_out: int
    stopped: bool
    seconds: float
    table: str = ""
