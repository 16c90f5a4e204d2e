"""Errors that a person can meet. Each message is a sentence: what is wrong, which value or file, what to do."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """Something that the user can mend; the message says how."""


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
