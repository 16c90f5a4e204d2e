"""Pictures of a run that can be laid beside those of another one: samples, and cells of its grids."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..run_folder import RunFolder
from .facts import Told

SAMPLE, CELL = "sample", "cell"
GRIDS, GRID_FILE = "tryouts", "grid.json"
"""Where the grids of a run lie in its folder, and the file in each that says what its pictures are."""


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
    found += _cells(folder.path / GRIDS)
    return sorted((shot for shot in found if shot.path.is_file()), key=lambda shot: shot.step)


def _cells(folder: Path) -> Iterator[Shot]:
    for file in sorted(folder.glob(f"*/{GRID_FILE}")):
        try:
            grid = json.loads(file.read_text(encoding="utf-8"))
            for cell in grid["cells"]:
                name, prompt = Path(cell["file"]).name, str(grid["prompts"][cell["prompt"]])
                place, strength = f"{file.parent.name}/{name}", float(cell["strength"])
                yield Shot(CELL, place, file.parent / name, int(cell["step"]), prompt, int(grid["seed"]), strength)
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue
