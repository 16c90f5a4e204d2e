"""JSON Schema from Python types: those of `wire`, and the tree of options."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from ..config import TrainConfig

SCALARS: dict[Any, dict[str, Any]] = {
    Any: {},
    None: {"type": "null"},
    type(None): {"type": "null"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
}
COMPONENT = "#/components/schemas/"


class Schemas:
    """Schemas of types; what has a name of its own goes into `components`, once."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {"Options": options_schema()}

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of a type: plain values, lists, tables, Literal, unions, TypedDicts and dataclasses."""
        origin, inner = typing.get_origin(kind), typing.get_args(kind)
        if origin is typing.Annotated:
            return dict(inner[1].schema)
        if kind in SCALARS:
            return dict(SCALARS[kind])
        if origin is typing.Literal:
            return {"type": "string", "enum": list(inner)}
        if origin in (types.UnionType, typing.Union):
            return {"anyOf": [self.of(one) for one in inner]}
        if origin is list:
            return {"type": "array", "items": self.of(inner[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        return self._named(kind)

    def _named(self, kind: type) -> dict[str, Any]:
        """A reference to the component that describes a TypedDict or a dataclass."""
        name = kind.__name__
        if name not in self.components:
            self.components[name] = {}  # it may hold itself
            hints = typing.get_type_hints(kind, include_extras=True)
            properties = {key: self.of(hint) for key, hint in hints.items()}
            self.components[name] = {"type": "object", "description": _docs(kind), "properties": properties}
            if dataclasses.is_dataclass(kind):
                for key, default in _defaults(kind).items():
                    properties[key] = {**properties[key], "default": default}
            elif required := sorted(getattr(kind, "__required_keys__", ())):
                self.components[name]["required"] = required
        return {"$ref": f"{COMPONENT}{name}"}


def _docs(kind: type) -> str:
    return " ".join((kind.__doc__ or "").split())


def _defaults(kind: Any) -> dict[str, Any]:
    """Defaults by name. Those of None say only that the value may be left out."""
    made = kind()
    found = {item.name: getattr(made, item.name) for item in dataclasses.fields(kind)}
    return {name: value for name, value in found.items() if value is not None}


def options_schema(section: type = TrainConfig) -> dict[str, Any]:
    """The options of a run, or of a section, as nested values; dotted paths and flat lora-scripts keys are let in."""
    hints = typing.get_type_hints(section)
    properties = {
        item.name: _option(hints[item.name], item) if item.metadata else options_schema(hints[item.name])
        for item in dataclasses.fields(section)
    }
    return {"type": "object", "properties": properties, "additionalProperties": True}


def _option(kind: Any, item: dataclasses.Field[Any]) -> dict[str, Any]:
    """One option: its type with bounds and choices, its help, its default."""
    about: Mapping[str, Any] = item.metadata
    default = item.default_factory() if callable(item.default_factory) else item.default
    schema = {"description": about["help"], "default": default, **_value(kind, about)}
    if about["choices"]:
        schema["enum"] = list(about["choices"])
    return schema


def _value(kind: Any, about: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an option's value; bounds are those of each number in it."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return {"type": "array", "items": _value(inner[0], {})}
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(inner[1], about)}
    if dataclasses.is_dataclass(kind):
        return {"anyOf": [{"type": "string"}, options_schema(typing.cast(type, kind))]}
    bounds: Sequence[tuple[str, str]] = (("minimum", "least"), ("maximum", "most"))
    return {**SCALARS[kind], **{key: about[name] for key, name in bounds if about.get(name) is not None}}
