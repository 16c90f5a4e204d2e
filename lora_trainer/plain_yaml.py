"""YAML from anybody, as plain values."""

from __future__ import annotations

from typing import Any

DEEPEST = 32
"""How many lists and tables may lie in one another: PyYAML takes ever longer for each."""


def load(text: str | bytes) -> Any:
    """The values of a YAML text. Raises yaml.YAMLError, ValueError, and RecursionError.

    Aliases are refused: with them a short text holds endless values.
    """
    import yaml

    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.YAMLError(f"it is nested more than {DEEPEST} deep")
    return yaml.safe_load(text)
