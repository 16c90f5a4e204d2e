"""What a handler gets of a request, and what a table of routes is made of."""

from __future__ import annotations

import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar

from starlette.responses import Response

from ..jobs.desk import Desk
from ..sentences import Sentence
from ..visitor import Visitor
from .given import Malformed, from_json
from .glances import Glances

JSON_LIMIT = 2 * 2**20
UPLOAD_LIMIT = 2 * 2**30

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """A request, read whole: parts of the path, query, headers, and the body as bytes, or as a file where it is large.

    `desk` is the desk as the visitor sees it.
    """

    desk: Desk
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""
    upload: BinaryIO | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    glances: Glances = field(default_factory=Glances)

    @property
    def visitor(self) -> Visitor:
        """Who asks."""
        return self.desk.visitor

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises Malformed."""
        values = from_json(self.body or b"{}")
        if not isinstance(values, dict):
            raise Malformed(Sentence("not_object", "The request's body must be a JSON object."))
        return values

    def given(self, kind: type[T]) -> T:
        """The body as `kind`, one of wire's dataclasses: what is left out or null has its default. Raises Malformed."""
        return read(kind, self.json())

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number of the query, held within bounds. Raises Malformed for anything else."""
        text = self.query.get(name, str(default))
        try:
            return max(least, min(most, int(text)))
        except ValueError:
            raise Malformed(wrong_value(name, "a whole number")) from None


def value_of(values: Mapping[str, Any], name: str, kind: type[T], default: T) -> T:
    """The value called `name` of type `kind`; `default` for none or null. Whole numbers pass as floats.

    Raises Malformed.
    """
    value = default if values.get(name) is None else values[name]
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)  # type: ignore[return-value]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}
        raise Malformed(wrong_value(name, names.get(kind, "an object")))
    return value


def list_of(values: Mapping[str, Any], name: str, kind: type[T]) -> list[T]:
    """The list called `name`, each entry as `value_of` has it. Raises Malformed."""
    entries: list[Any] = value_of(values, name, list, [])
    return [value_of({name: entry}, name, kind, entry) for entry in entries]


def read(kind: type[T], values: Mapping[str, Any]) -> T:
    """`values` as the dataclass `kind`, each of them as `value_of` has it. Raises Malformed."""
    hints = typing.get_type_hints(kind)
    return kind(**{name: _as(hint, values, name) for name, hint in hints.items() if values.get(name) is not None})


def _as(hint: Any, values: Mapping[str, Any], name: str) -> Any:
    """The value called `name`, which is there, as what the hint says: plain values, and lists and tables of them."""
    if isinstance(hint, types.UnionType):  # X | None
        hint = next(one for one in typing.get_args(hint) if one is not type(None))
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return list_of(values, name, inner[0])
    if typing.get_origin(hint) is dict:
        table = value_of(values, name, dict, {})
        return table if inner[1] is Any else {key: value_of(table, key, inner[1], inner[1]()) for key in table}
    return value_of(values, name, hint, hint())


def wrong_value(name: str, what: str) -> Sentence:
    return Sentence("wrong_value", "'{name}' must be {what}.", name=name, what=what)


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Entry:
    """A row of a table of routes: what `handler` gives becomes the answer, JSON unless it is a response already.

    `before` is awaited first, without a thread of ours; `at_once` may have an answer without one, and neither waits nor
    looks at the disk. `upload`: the body, of at most `limit` bytes, goes into a file.
    What may take long is `slow`: it has threads of its own, so that controls and live state never wait behind it.
    What concerns everybody is the admins' (`admin`).

    The rest is for the specification (`described.py`), which takes its words from the handler's docstring. `takes` and
    `gives` are the body and the answer: types of `wire`, or Raw. `asks` are names in the query with their defaults.
    `errors` are refusals beside those that follow from all this.
    """

    method: str
    path: str
    handler: Handler
    before: Callable[[Call], Awaitable[None]] | None = None
    upload: bool = False
    slow: bool = False
    admin: bool = False
    limit: int = UPLOAD_LIMIT
    at_once: Callable[[Call], Response | None] | None = None
    takes: Any = None
    gives: Any = None
    asks: Mapping[str, str | int] = field(default_factory=dict)
    errors: tuple[int, ...] = ()
