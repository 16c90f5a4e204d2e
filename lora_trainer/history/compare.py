"""Two or more runs beside each other: what was set differently, and the pictures that can be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from .. import options
from ..config import Folder
from .past import Past
from .shots import CELL, SAMPLE, Shot

OWN = ("save.name", "save.output", "save.log_folder", "data.cache_folder")
"""Options that differ between any two runs, or that the program itself decides."""


@dataclass(frozen=True)
class Difference:
    """An option that not all runs have alike; `values` are theirs, in their order."""

    path: str
    help: str
    values: Sequence[Any]


@dataclass(frozen=True)
class Strip:
    """The pictures of one prompt and seed: of each run in each column one, or None.

    Columns are steps for samples, strengths for grids.
    """

    prompt: str
    seed: int
    columns: Sequence[float]
    shots: Sequence[Sequence[Shot | None]]

    @property
    def shared(self) -> int:
        """How many of the runs have any."""
        return sum(any(row) for row in self.shots)


def differences(runs: Sequence[Past]) -> list[Difference]:
    """The options whose values differ, in the order of the options. Of files and folders only the names are told."""
    found = []
    for option in options.walk():
        if option.path in OWN:
            continue
        values = [_plain(options.value_at(options.to_values(run.config), option.path)) for run in runs]
        if option.place or option.path == "data.folders":
            values = [_names(value) for value in values]
        if any(value != values[0] for value in values):
            found.append(Difference(option.path, option.help, values))
    return found


def strips(runs: Sequence[Past]) -> list[Strip]:
    """The samples of all runs step by step, those that most runs have first."""
    return _strips([[shot for shot in run.shots() if shot.kind == SAMPLE] for run in runs], lambda shot: shot.step)


def grids(runs: Sequence[Past]) -> list[Strip]:
    """The cells of the runs' grids by strength, of each run those of its newest save, what most runs have first."""
    cells = [[shot for shot in run.shots() if shot.kind == CELL] for run in runs]
    newest = [max((shot.step for shot in shots), default=0) for shots in cells]
    own = [[shot for shot in shots if shot.step == step] for shots, step in zip(cells, newest, strict=True)]
    return _strips(own, lambda shot: shot.strength)


def _strips(own: Sequence[Sequence[Shot]], column: Callable[[Shot], float]) -> list[Strip]:
    subjects = dict.fromkeys((shot.prompt, shot.seed) for shots in own for shot in shots)
    found = []
    for prompt, seed in subjects:
        rows = [{column(one): one for one in shots if (one.prompt, one.seed) == (prompt, seed)} for shots in own]
        columns = sorted({place for row in rows for place in row})
        found.append(Strip(prompt, seed, columns, [[row.get(place) for place in columns] for row in rows]))
    return sorted(found, key=lambda strip: -strip.shared)


def _plain(value: Any) -> Any:
    return [vars(one) if isinstance(one, Folder) else one for one in value] if isinstance(value, list) else value


def _names(value: Any) -> Any:
    """What a path names, without where it lies; of folders of pictures with what is said of them."""
    if isinstance(value, str):
        return PurePath(value.replace("\\", "/")).name
    if isinstance(value, list):
        return [_folder(one) for one in value]
    return value


def _folder(values: dict[str, Any]) -> str:
    default = vars(Folder())
    more = [f"{key}={value}" for key, value in values.items() if key != "path" and value != default[key]]
    return " ".join([_names(values["path"]), *more])
