"""Which save, which strength? The same pictures drawn with every LoRA file at every strength, on one sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .config import SampleOptions
from .errors import ConfigError
from .host.base import Host, LoraUse
from .sampling.grid import compose_grid
from .sampling.request import Request

if TYPE_CHECKING:
    from PIL import Image

    from .judging.sheet import Score
    from .sampling.infotext import Infotext

LEAST_CELL = 128
"""Pixels of the longer side below which a cell is enlarged."""


@dataclass(frozen=True)
class GridRequest:
    """What is drawn: every file at every strength, for every prompt and seed."""

    files: Sequence[Path]
    prompts: Sequence[str]
    strengths: Sequence[float]
    seeds: Sequence[int]
    options: SampleOptions
    resolution: int = 0
    clip_skip: int = 1

    def check(self) -> None:
        """Raise ConfigError with everything that is missing."""
        problems = []
        for values, what in (
            (self.files, "LoRA file"),
            (self.prompts, "prompt"),
            (self.strengths, "strength"),
            (self.seeds, "seed"),
        ):
            if not values:
                problems.append(f"Name at least one {what}.")
        problems += [f"There is no LoRA file {file}. Check the path." for file in self.files if not file.is_file()]
        stems = [file.stem for file in self.files]
        problems += [
            f"Two files are called '{stem}': rename one." for stem in sorted(set(stems)) if stems.count(stem) > 1
        ]
        if problems:
            raise ConfigError(problems)


@dataclass(frozen=True)
class Cell:
    """One picture of the grid. `prompt` and `seed` are numbers in the request's lists."""

    file: Path
    strength: float
    prompt: int
    seed: int
    image: Image.Image
    infotext: Infotext | str

    @property
    def name(self) -> str:
        """File name: stem, strength, number of the prompt (from 1) and seed."""
        return f"{self.file.stem}_s{self.strength:g}_p{self.prompt + 1}_{self.seed}.png"


def draw_cells(host: Host, request: GridRequest) -> Iterator[Cell]:
    """All cells, file by file, strength by strength. Raises ConfigError, UserError or FileFormatError."""
    request.check()
    resolution = request.resolution or host.describe().native_resolution
    with host.studio(request.files) as studio:
        for file in request.files:
            for strength in request.strengths:
                for number, prompt in enumerate(request.prompts):
                    for seed in request.seeds:
                        asked = Request.from_options(prompt, request.options, resolution, request.clip_skip)
                        drawn = studio.draw(replace(asked, seed=seed), [LoraUse(file, strength)])
                        yield Cell(file, strength, number, seed, drawn.image, drawn.infotext)


def total_cells(request: GridRequest) -> int:
    return len(request.files) * len(request.strengths) * len(request.prompts) * len(request.seeds)


def sheet(
    cells: Sequence[Cell],
    request: GridRequest,
    scores: Sequence[Score] = (),
    proposed: tuple[Path, float] | None = None,
) -> Image.Image:
    """All cells on one picture: a column for each strength, a row for each file, prompt and seed; gaps stay empty.

    `scores`, one for each cell, stand under the pictures, and a frame is around those of the `proposed` file and
    strength.
    """
    rows = [(p, file, seed) for p in range(len(request.prompts)) for file in request.files for seed in request.seeds]
    places = [[(file, strength, p, seed) for strength in request.strengths] for p, file, seed in rows]
    by_place = {(cell.file, cell.strength, cell.prompt, cell.seed): cell.image for cell in cells}
    said = {(cell.file, cell.strength, cell.prompt, cell.seed): in_words(score) for cell, score in zip(cells, scores)}
    images = [[_large_enough(by_place.get(place)) for place in row] for row in places]
    labels = [_row_label(request, p, file, seed) for p, file, seed in rows]
    notes = [[said.get(place, "") for place in row] for row in places] if any(said.values()) else []
    marked = [(r, c) for r, row in enumerate(places) for c, place in enumerate(row) if place[:2] == proposed]
    return compose_grid(images, [f"{strength:g}" for strength in request.strengths], labels, notes, marked)


def in_words(score: Score) -> str:
    """A score under a picture, a line for each figure."""
    parts = (("like", score.likeness), ("prompt", score.faithfulness), ("changed", score.change))
    return "\n".join(f"{name} {value:.2f}" for name, value in parts if value is not None)


def _large_enough(image: Image.Image | None) -> Image.Image | None:
    """Small pictures enlarged by a whole factor, so that their labels fit and details can be seen."""
    if image is None:
        return None
    factor = max(1, LEAST_CELL // max(image.size))
    return image.resize((image.width * factor, image.height * factor)) if factor > 1 else image


def _row_label(request: GridRequest, prompt: int, file: Path, seed: int) -> str:
    """Only what differs between rows."""
    parts = [file.stem]
    parts += [request.prompts[prompt]] if len(request.prompts) > 1 else []
    parts += [f"seed {seed}"] if len(request.seeds) > 1 else []
    return "\n".join(parts)
