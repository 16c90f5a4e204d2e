"""What judges say of a grid's pictures, and which of them is proposed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..host.base import Host
from ..judging.base import Settings
from ..judging.sheet import Score, Sheet, Shot
from ..judging.words import has_word
from ..vision.places import FOLDER
from .tryout_request import TryOutRequest

if TYPE_CHECKING:
    from ..judging.verdict import Verdict
    from .grid import Grid

log = logging.getLogger(__name__)


def beside(request: TryOutRequest, seed: int, word: str) -> list[tuple[int, int]]:
    """What the base alone has to draw beside the cells for these to be compared: (prompt, seed).

    Where 0 is none of the strengths, every prompt; and those without the word from another seed, which shows how far
    two pictures of one prompt are apart.
    """
    numbers = range(len(request.prompts))
    base_line = [] if 0 in request.strengths else [(number, seed) for number in numbers]
    others = [number for number in numbers if not has_word(request.prompts[number], word)]
    return [*base_line, *((number, (seed + 1) % 2**32) for number in others)]


def without_word(grid: Grid) -> list[int]:
    """The prompts of a grid that lack the run's word, as numbers."""
    word = grid.job.trigger_word
    return [number for number, prompt in enumerate(grid.request.prompts) if not has_word(prompt, word)]


def score(grid: Grid, host: Host, given_up: Callable[[], bool]) -> Verdict:
    """Score the pictures of a grid. Raises LeftOff when `given_up` holds meanwhile."""
    from ..judging.learned import learned_pictures
    from ..judging.verdict import known_of, verdict

    job = grid.job
    known = known_of(job.folder.read_events(), grid.steps, job.trigger_word)
    learned = learned_pictures(job.config.data)
    settings = Settings(host.data_folder() / FOLDER, device=job.config.memory.device)
    found = verdict(_sheet(grid), known, learned, settings, given_up)
    try:
        found.keep(job.folder.proposal)
    except UserError as error:
        log.warning("The proposal could not be kept: %s", error)
    return found


def scores_by_number(grid: Grid) -> dict[int, Score]:
    """The scores that there are, by the numbers of the cells."""
    if grid.verdict is None:
        return {}
    return {cell.n: score for cell, score in zip(list(grid.cells), grid.verdict.judgement.scores) if score}


def verdict_values(grid: Grid) -> dict[str, Any] | None:
    """What is said of the whole grid as plain values, and under `scores` what stands under cells, by their numbers."""
    if grid.verdict is None:
        return None
    return {**grid.verdict.to_json(), "scores": {n: asdict(score) for n, score in scores_by_number(grid).items()}}


def kept_verdict(grid: Grid, values: Mapping[str, Any]) -> Verdict | None:
    """What was said of a grid, of which `values` were kept; of one of an earlier version, what its run keeps.

    Raises KeyError, TypeError, ValueError or AttributeError for what is none.
    """
    from ..judging.sheet import Score
    from ..judging.verdict import Verdict, read_verdict

    told = values["verdict"] if "verdict" in values else read_verdict(grid.job.folder.proposal)
    if told is None or told["prompts"] != list(grid.request.prompts):
        return None
    scores = told.get("scores", {})
    found = Verdict.from_json(told, _sheet(grid), [Score.from_json(scores.get(str(c.n), {})) for c in grid.cells])
    drawn = {(save, strength) for save, strength, _ in grid.request.places()}
    return found if {(cell.save, cell.strength) for cell in found.judgement.cells} <= drawn else None


def _sheet(grid: Grid) -> Sheet:
    """The cells in their order, and what was drawn beside them behind."""
    cells = [Shot(cell.save, cell.strength, cell.prompt, grid.seed, cell.path) for cell in grid.cells]
    more = [Shot("", 0.0, prompt, seed, path) for (prompt, seed), path in grid.beside.items()]
    return Sheet(grid.request.prompts, grid.job.trigger_word, [*cells, *more])
