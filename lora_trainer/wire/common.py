"""What many routes take and give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict


class Shape:
    """JSON Schema that says more than a type, in its annotation."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema


Options = Annotated[dict[str, Any], Shape({"$ref": "#/components/schemas/Options"})]
"""Option values, nested by section or under dotted paths."""


@dataclass(frozen=True)
class Raw:
    """A body or an answer that is no JSON: its kinds."""

    kinds: tuple[str, ...]


FILE = Raw(("application/octet-stream",))
PICTURE = Raw(("image/png", "image/jpeg", "image/webp", "application/octet-stream"))
YAML = Raw(("application/yaml",))
ZIP = Raw(("application/zip",))


class Told(TypedDict):
    """A sentence for people: English `text`, and `code` and `values` with which it can be translated."""

    code: str
    text: str
    values: dict[str, Any]


class Problem(Told):
    """What is wrong with the option `path`; empty when it is about none."""

    path: str


class Error(TypedDict):
    """Why a request was not answered."""

    error: Told
    problems: list[Problem]


class Nothing(TypedDict):
    """It is done, and there is nothing to tell."""


@dataclass(frozen=True)
class Values:
    """Options."""

    values: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Run(Values):
    """A run: its options, and the id of its data set. The base is the host's own."""

    dataset: str = ""
