"""What an option is: a field of a dataclass that knows its default, help, range, choices and level."""

from __future__ import annotations

from dataclasses import field
from typing import Any

BASIC, ADVANCED = "basic", "advanced"
"""Who is shown an option: everybody, or those who ask for more."""


def option(
    default: Any,
    help: str,
    *,
    level: str = ADVANCED,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[Any, ...] = (),
    also: tuple[str, ...] = (),
    place: bool = False,
) -> Any:
    """One option. `least` and `most` are inclusive bounds; `also` are its flat keys in a lora-scripts YAML file.

    `place`: its value names a file or folder of the machine.
    """
    metadata = {
        "help": help,
        "level": level,
        "least": least,
        "most": most,
        "choices": choices,
        "also": also,
        "place": place,
    }
    if isinstance(default, (list, dict)):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    return field(default=default, metadata=metadata)
