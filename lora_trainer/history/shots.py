"""Pictures of a run that can be laid beside those of another one: samples, and cells of its grids."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..run_folder import RunFolder
from .facts import Told

SAMPLE, CELL = "sample", "cell"
GRIDS, GRID_FILE = "tryouts", "grid.json"
"""Where the grids of a run lie in its folder, and the file in each that says what its pictures are."""
PICTURE = re.compile(r"[\w.-]{1,100}\.png", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shot:
    """A picture with what it was drawn from. `file` is its name, of a cell with the name of its grid."""

    kind: str
    file: str
    path: Path
    step: int
    prompt: str
    seed: int
    strength: float

    @property
    def about(self) -> tuple[str, str, int, float]:
        """What must be equal for two pictures to be comparable."""
        return self.kind, self.prompt, self.seed, self.strength


def shots_of(folder: RunFolder, samples: Sequence[Told]) -> list[Shot]:
    """All pictures that are on the disk, in the order of their steps."""
    found = [
        Shot(SAMPLE, one.file, folder.samples / one.file, one.step, one.prompt, one.seed, one.strength)
        for one in samples
    ]
    found = [shot for shot in found if shot.path.is_file()]
    return sorted([*found, *_cells(folder)], key=lambda shot: shot.step)


def grid_folder(run: RunFolder, grid_id: str) -> Path | None:
    """Where a grid of a run lies; None where there is none, or a link leads elsewhere from there."""
    folder = run.path / GRIDS / grid_id
    try:
        own = folder.resolve() == run.path.resolve() / GRIDS / grid_id
        return folder if own and folder.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # no name of a file, or links in a circle
        return None


def picture_in(folder: Path, name: object) -> Path | None:
    """A picture of a grid; None where there is none, and for whatever a name says that leads elsewhere."""
    if not (isinstance(name, str) and PICTURE.fullmatch(name)):
        return None
    path = folder / name
    return path if path.is_file() and not path.is_symlink() else None


def read_grid(folder: Path) -> dict[str, Any] | None:
    """What the file of a grid says, with numbers that are finite; None where there is none, or it is damaged."""
    file = folder / GRID_FILE
    try:
        if file.is_symlink():
            return None
        values = json.loads(file.read_text(encoding="utf-8"), parse_float=_finite, parse_constant=_refused)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("'%s' cannot be read, so that grid is not shown: %s", file, error)
        return None
    return values if isinstance(values, dict) else None


def _finite(text: str) -> float:
    return value if math.isfinite(value := float(text)) else _refused(text)


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number that was written here.")


def _cells(run: RunFolder) -> Iterator[Shot]:
    for file in sorted((run.path / GRIDS).glob(f"*/{GRID_FILE}")):
        folder = grid_folder(run, file.parent.name)
        grid = read_grid(folder) if folder else None
        if folder and grid:
            yield from _cells_of(folder, grid)


def _cells_of(folder: Path, grid: Mapping[str, Any]) -> Iterator[Shot]:
    """Up to the first that says too little of itself."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, IndexError):
        for cell in grid["cells"]:
            path, prompt = picture_in(folder, cell["file"]), str(grid["prompts"][cell["prompt"]])
            if path:
                place, strength = f"{folder.name}/{path.name}", float(cell["strength"])
                yield Shot(CELL, place, path, int(cell["step"]), prompt, int(grid["seed"]), strength)
