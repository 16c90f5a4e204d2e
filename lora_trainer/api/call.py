"""What a handler gets of a request, and what a table of routes is made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
    """A request, read whole: parts of the path, query, and the body as bytes or, where it may be large, as a file.

    `desk` is the desk as the visitor sees it.
    """

    desk: Desk
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""
    upload: BinaryIO | None = None
    glances: Glances | None = None

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
