"""Two or more runs beside each other: what was set differently, and the pictures that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from .. import options
from ..config import Folder
from .past import Past
from .shots import SAMPLE, Shot

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
    """The samples of one prompt and seed: of each run at each of `steps` a picture, or None."""

    prompt: str
    seed: int
    steps: Sequence[int]
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
    """The samples of all runs by what they show, those that most runs have first."""
    own = [[shot for shot in run.shots() if shot.kind == SAMPLE] for run in runs]
    subjects = dict.fromkeys((shot.prompt, shot.seed) for shots in own for shot in shots)
    found = []
    for prompt, seed in subjects:
        rows = [{one.step: one for one in shots if (one.prompt, one.seed) == (prompt, seed)} for shots in own]
        steps = sorted({step for row in rows for step in row})
        found.append(Strip(prompt, seed, steps, [[row.get(step) for step in steps] for row in rows]))
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
