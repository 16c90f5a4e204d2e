"""What a channel is: a kind with its fields, of which some are secret, and one way to deliver a notice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ..errors import ConfigError, UserError
from ..registry import Registry
from ..sentences import Sentence
from .notice import Notice
from .reach import Reach

MOST_LETTERS = 2000
"""Of one value that a user gives."""


class Undelivered(UserError):
    """A notice did not get through. `again` says whether a later try may; `after` is how many seconds later at least.

    The message never holds an address, a secret, or what the other side answered.
    """

    def __init__(self, sentence: Sentence, *, again: bool = True, after: float = 0.0) -> None:
        super().__init__(sentence)
        self.again, self.after = again, after


@dataclass(frozen=True)
class Field:
    """A value that a kind of channel wants. A secret one is never given out again."""

    name: str
    secret: bool = False
    required: bool = True
    choices: tuple[str, ...] = ()
    default: str = ""


class Kind(Protocol):
    """A kind of channel. It keeps nothing itself: `values` are those of its fields, all of them texts."""

    fields: tuple[Field, ...]

    def check(self, values: Mapping[str, str], reach: Reach) -> None:
        """Raise ConfigError for values that can lead nowhere, or where `reach` does not go."""

    def place(self, values: Mapping[str, str]) -> str:
        """Where it leads, as far as everybody may know it."""

    def deliver(self, notice: Notice, values: Mapping[str, str], reach: Reach) -> None:
        """Deliver a notice. Raises Undelivered."""


CHANNELS: Registry[Kind] = Registry("kind of channel")


def checked(kind: str, given: Mapping[str, str], reach: Reach) -> dict[str, str]:
    """The values of a channel's fields, defaults filled in. Raises ConfigError with everything that is wrong."""
    if kind not in CHANNELS:
        raise ConfigError([_unknown_kind(kind)])
    entry = CHANNELS.get(kind)
    names = [field.name for field in entry.fields]
    problems = [
        Sentence("channel_field_unknown", "A channel of kind '{kind}' has no '{name}'.", kind=kind, name=name)
        for name in given
        if name not in names
    ]
    values = {field.name: given.get(field.name, "").strip() or field.default for field in entry.fields}
    problems += [problem for field in entry.fields if (problem := _problem(field, values[field.name]))]
    if problems:
        raise ConfigError(problems)
    entry.check(values, reach)
    return values


def _problem(field: Field, value: str) -> Sentence | None:
    if field.required and not value:
        return Sentence("channel_field_missing", "'{name}' is missing.", name=field.name)
    if field.choices and value not in field.choices:
        sentence = "'{name}' must be one of {choices}."
        return Sentence("channel_field_choice", sentence, name=field.name, choices=", ".join(field.choices))
    if len(value) > MOST_LETTERS or any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return Sentence("channel_field_text", "'{name}' must be one line of ordinary text.", name=field.name)
    return None


def _unknown_kind(kind: str) -> Sentence:
    sentence = "There is no kind of channel '{kind}'. Known are: {known}."
    return Sentence("channel_kind", sentence, kind=kind[:40], known=", ".join(CHANNELS.names()))
