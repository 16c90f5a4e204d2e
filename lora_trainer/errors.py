"""Errors that a person can meet. Each message is a sentence: what is wrong, which value or file, what to do."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Something that the user can mend; the message says how. A `Sentence` as the message can be translated."""

    @property
    def sentence(self) -> str:
        """The message as it was given: a Sentence where the raiser made one."""
        return self.args[0] if self.args else ""


class NotFound(UserError):
    """There is nothing of the name or id that was asked for."""


class ConfigError(UserError):
    """Wrong options. `problems` holds a sentence for each of them, so that all are mended at once."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class BaseModelError(UserError):
    """The base cannot be used: unreadable, unknown layout, or of a kind that is not supported."""


class DataError(UserError):
    """The pictures or captions cannot be used."""


class FileFormatError(UserError):
    """A LoRA or checkpoint file does not hold what its name promises."""


class TrainingError(UserError):
    """A run cannot go on (losses that are no numbers, a full disk, memory that does not suffice)."""


class DiskError(TrainingError):
    """The disk takes nothing more now (it is full, read-only or gone): a run pauses until somebody has seen to it.

    What was written before is intact.
    """


class BaseAway(UserError):
    """The base that a run trains on is not there now (the user selected another): the run pauses until it is back."""


class LoraExists(UserError):
    """A LoRA of this name is there already, and nobody said that it may be replaced."""


class PresetExists(UserError):
    """A preset of this name is there already, and nobody said that it may be replaced."""
