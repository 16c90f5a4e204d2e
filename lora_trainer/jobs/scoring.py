"""What judges say of a try-out's pictures, and which of them is proposed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import UserError
from ..host.base import Host
from ..judging.base import Settings
from ..judging.sheet import Score, Sheet, Shot
from ..judging.words import has_word
from ..vision.places import FOLDER
from .tryout_request import TryOutRequest

if TYPE_CHECKING:
    from ..judging.verdict import Verdict
    from .tryouts import TryOut

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


def without_word(tryout: TryOut) -> list[int]:
    """The prompts of a try-out that lack the run's word, as numbers."""
    word = tryout.job.trigger_word
    return [number for number, prompt in enumerate(tryout.request.prompts) if not has_word(prompt, word)]


def score(tryout: TryOut, host: Host, given_up: Callable[[], bool]) -> Verdict:
    """Score the pictures of a try-out. Raises LeftOff when `given_up` holds meanwhile."""
    from ..judging.learned import learned_pictures
    from ..judging.verdict import known_of, verdict

    job = tryout.job
    known = known_of(job.folder.read_events(), tryout.steps, job.trigger_word)
    learned = learned_pictures(job.config.data)
    settings = Settings(host.data_folder() / FOLDER, device=job.config.memory.device)
    found = verdict(_sheet(tryout), known, learned, settings, given_up)
    try:
        found.keep(job.folder.proposal)
    except UserError as error:
        log.warning("The proposal could not be kept: %s", error)
    return found


def scores_by_number(tryout: TryOut) -> dict[int, Score]:
    """The scores that there are, by the numbers of the cells."""
    if tryout.verdict is None:
        return {}
    return {cell.n: score for cell, score in zip(list(tryout.cells), tryout.verdict.judgement.scores) if score}


def _sheet(tryout: TryOut) -> Sheet:
    """The cells in their order, and what was drawn beside them behind."""
    cells = [Shot(cell.save, cell.strength, cell.prompt, tryout.seed, cell.path) for cell in tryout.cells]
    more = [Shot("", 0.0, prompt, seed, path) for (prompt, seed), path in tryout.beside.items()]
    return Sheet(tryout.request.prompts, tryout.job.trigger_word, [*cells, *more])
