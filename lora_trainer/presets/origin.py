"""Which preset the values of a run come from: nobody writes it down, since values may be changed afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .preset import Preset

ENOUGH = 0.7
"""The share of a preset's values by which it is known again, as on the page."""


def origin_of(values: Mapping[str, Any], presets: Sequence[Preset]) -> str:
    """The name of the preset of which all options are set, and most as it says; empty where there is none."""
    given, best, most = dict(_leaves(values)), "", 0
    for preset in presets:
        says = dict(_leaves(preset.values))
        kept = sum(given.get(path) == value for path, value in says.items())
        if says and says.keys() <= given.keys() and kept >= ENOUGH * len(says) and kept > most:
            best, most = preset.name, kept
    return best


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
