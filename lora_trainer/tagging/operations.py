"""What can be done to captions, each a small class that turns one caption into another.

An operation is made from plain values, `{"do": "add", "tags": ["red"], "at": 0}`: that is how the page, the command
line and the library call it, and this is the only place that knows what it does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..captioning.tags import readable
from ..data.captions import with_trigger
from ..errors import UserError
from ..registry import suggest
from ..sentences import Sentence
from .counts import counted
from .tags import joined, key, once, split
from .texts import EndText, FrontText, ReplacePattern, ReplaceText, without_word

END = -1
FREQUENCY, ALPHABET, STAY = ORDERS = ("frequency", "alphabet", "stay")

Places = Mapping[str, int]
"""The keys of a set's tags, the most frequent first, with their places in that order."""


class Operation(Protocol):
    def __call__(self, caption: str, places: Places) -> str:
        """What becomes of a caption of a set whose tags have these `places`. Raises UserError."""


@dataclass(frozen=True)
class Add:
    """Put in tags that a caption lacks, before its tag number `at` (0: in front); -1 stands for its end."""

    tags: tuple[str, ...]
    at: int = END

    def __call__(self, caption: str, places: Places) -> str:
        before = split(caption)
        known = set(map(key, before))
        new = [tag for tag in once(_tags(self.tags)) if key(tag) not in known]
        at = len(before) if self.at < 0 else self.at
        return _written(caption, [*before[:at], *new, *before[at:]])


@dataclass(frozen=True)
class Remove:
    """Take tags out."""

    tags: tuple[str, ...]

    def __call__(self, caption: str, places: Places) -> str:
        wrong = set(map(key, _tags(self.tags)))
        return _written(caption, [tag for tag in split(caption) if key(tag) not in wrong])


@dataclass(frozen=True)
class Merge:
    """Put `into` (one tag, or several between commas) where the first of `tags` stands, and take the others out.

    With a single tag this replaces it. Captions that hold none of them stay as they are.
    """

    tags: tuple[str, ...]
    into: str = ""

    def __call__(self, caption: str, places: Places) -> str:
        old, tags = set(map(key, _tags(self.tags))), split(caption)
        at = next((number for number, tag in enumerate(tags) if key(tag) in old), None)
        if at is None:
            return caption
        rest = [tag for tag in tags[at:] if key(tag) not in old]
        return _written(caption, once([*tags[:at], *split(self.into), *rest]))


@dataclass(frozen=True)
class Sort:
    """Put tags into an order: those in `first` stand in front as they are listed, the others by the set's frequency,
    by alphabet, or as they are."""

    by: str = STAY
    first: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.by not in ORDERS:
            raise _wrong("by", ", ".join(ORDERS))

    def __call__(self, caption: str, places: Places) -> str:
        front = {key(tag): number for number, tag in enumerate(_tags(self.first))}

        def place(tag: str) -> tuple[int, int, str]:
            name = key(tag)
            if name in front:
                return front[name], 0, ""
            by = {FREQUENCY: (places.get(name, len(places)), name), ALPHABET: (0, name), STAY: (0, "")}[self.by]
            return len(front), *by

        return _written(caption, sorted(split(caption), key=place))


@dataclass(frozen=True)
class Deduplicate:
    """Leave each tag only where it first comes."""

    def __call__(self, caption: str, places: Places) -> str:
        return _written(caption, once(split(caption)))


@dataclass(frozen=True)
class Spaces:
    """Write 'long hair' for 'long_hair', as captions do; faces such as '>_<' stay."""

    def __call__(self, caption: str, places: Places) -> str:
        return _written(caption, once(map(readable, split(caption))))


@dataclass(frozen=True)
class Trigger:
    """Put the trigger word in front of all, once, in place of the word `old` that was it before.

    A word that stands inside a sentence or a longer tag is found by a training there: it is not written twice. An empty
    `word` only takes the old one off.
    """

    word: str = ""
    old: str = ""

    def __call__(self, caption: str, places: Places) -> str:
        word, old = self.word.strip(), self.old.strip()
        tags = split(caption)
        if old and key(old) != key(word):
            tags = [tag if key(tag) == key(old) else without_word(tag, old, word) for tag in tags]
            tags = [tag for tag in tags if tag and key(tag) != key(old)]
        if not word:
            return _written(caption, tags)
        if any(key(tag) == key(word) for tag in tags):
            return _written(caption, [word, *(tag for tag in tags if key(tag) != key(word))])
        return with_trigger(_written(caption, tags), word)


OPERATIONS: dict[str, type] = {
    "add": Add,
    "remove": Remove,
    "merge": Merge,
    "sort": Sort,
    "deduplicate": Deduplicate,
    "spaces": Spaces,
    "trigger": Trigger,
    "replace_text": ReplaceText,
    "replace_pattern": ReplacePattern,
    "front_text": FrontText,
    "end_text": EndText,
}


def apply(operation: Operation, captions: Mapping[str, str], names: Iterable[str] | None = None) -> dict[str, str]:
    """The captions that the operation changes, as they are then, of those called `names` (else of all).

    Frequencies are those of all `captions`. Raises UserError, with nothing half done.
    """
    places = {key(one.tag): place for place, one in enumerate(counted(captions.values()))}
    after = {name: operation(captions[name], places) for name in (captions if names is None else names)}
    return {name: text for name, text in after.items() if text != captions[name]}


def operation_of(values: Mapping[str, Any]) -> Operation:
    """An operation from plain values. Raises UserError that says which of them is none."""
    name = values.get("do")
    if name not in OPERATIONS:
        sentence = "There is no operation '{name}'. {hint}"
        hint = suggest(str(name), OPERATIONS)
        raise UserError(Sentence("operation_unknown", sentence, name=str(name), hint=hint))
    kind = OPERATIONS[name]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    given = {field: value for field, value in values.items() if field != "do"}
    if unknown := given.keys() - fields.keys():
        sentence = "The operation '{name}' has no '{value}'."
        raise UserError(Sentence("operation_value_unknown", sentence, name=name, value=min(unknown)))
    lacking = [name for name, field in fields.items() if field.default is dataclasses.MISSING and name not in given]
    if lacking:
        raise _wrong(lacking[0], "given")
    made: Operation = kind(**{field: _value(field, str(fields[field].type), given[field]) for field in given})
    return made


def _value(name: str, kind: str, value: Any) -> Any:
    """The value as the field has it: a text, a whole number, true or false, or a list of texts."""
    if kind.startswith("tuple"):
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise _wrong(name, "a list of texts")
        return tuple(value)
    wanted = {"str": (str, "a text"), "int": (int, "a whole number"), "bool": (bool, "true or false")}[kind]
    if not isinstance(value, wanted[0]) or (isinstance(value, bool) and wanted[0] is not bool):
        raise _wrong(name, wanted[1])
    return value


def _written(caption: str, tags: list[str]) -> str:
    """The tags as a caption; the caption itself, with its spaces, where they are those that it has."""
    return caption if tags == split(caption) else joined(tags)


def _tags(given: Iterable[str]) -> list[str]:
    """Tags as they are given, each perhaps several between commas."""
    return [tag for text in given for tag in split(text)]


def _wrong(name: str, what: str) -> UserError:
    return UserError(Sentence("wrong_value", "'{name}' must be {what}.", name=name, what=what))
