"""Texts that are generated from the option tree: the reference of all options and the commented default file."""

from __future__ import annotations

import textwrap
import typing
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from .options import Option, walk
from .scalars import plain

INTRODUCTION = """# Options

Every option can stand in a YAML file under its section, or on the command line as `--set section.option=value`.
Flat keys of lora-scripts files are read as well; they stand in the last column.
"""

HEADER = """# All options with their defaults. Set base.checkpoint, data.folders and save.name; the rest may stay.
# Train with: python -m lora_trainer train FILE
"""


def markdown() -> str:
    """The reference as a Markdown page, a table for each section."""
    parts = [INTRODUCTION]
    for section, options in groupby(walk(), key=lambda option: option.path.rpartition(".")[0]):
        parts += [
            f"\n## {section or 'Whole run'}\n",
            "| option | default | values | meaning | lora-scripts |",
            "|---|---|---|---|---|",
        ]
        parts += [_row(option) for option in options]
    return "\n".join(parts) + "\n"


def default_file() -> str:
    """A YAML file with every option at its default, each under a comment that explains it."""
    lines = [HEADER]
    section = ""
    for option in walk():
        parent, _, name = option.path.rpartition(".")
        if parent != section and parent:
            lines.append(f"\n{parent}:")
        section = parent
        indent = "  " if parent else ""
        lines += textwrap.wrap(_explained(option), 110, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
        lines.append(f"{indent}{name}: {_as_yaml(option.default)}")
    return "\n".join(lines) + "\n"


def values_text(option: Option) -> str:
    """What an option may be, in words: its choices, its range or its type."""
    if option.choices:
        return ", ".join(map(str, option.choices))
    if option.least is not None:
        return f"{plain(option.least)} to {plain(option.most or 0)}"
    return {bool: "true, false", str: "text"}.get(option.type, _type_name(option.type))


def _row(option: Option) -> str:
    name = option.path.rpartition(".")[2]
    shown = f"**{name}**" if option.level == "basic" else name
    default = "" if option.default in ("", [], {}) else f"`{_as_yaml(option.default)}`"
    cells = (shown, default, values_text(option), option.help, ", ".join(option.also))
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _explained(option: Option) -> str:
    values = values_text(option)
    return f"{option.help} ({values})" if option.choices or option.least is not None else option.help


def _type_name(kind: Any) -> str:
    origin = typing.get_origin(kind)
    return {list: "list", dict: "table"}.get(origin, getattr(kind, "__name__", str(kind)))


def _as_yaml(value: Any) -> str:
    import yaml

    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True).splitlines()[0]


def plain_lines() -> Iterator[str]:
    """The reference for a terminal."""
    for option in walk():
        default = "" if option.default in ("", [], {}) else f" [{_as_yaml(option.default)}]"
        yield f"{option.path}{default}"
        yield textwrap.indent(textwrap.fill(_explained(option), 100), "    ")
