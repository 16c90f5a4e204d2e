"""What a try-out draws, and what the one draws that nobody had to ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..sentences import Sentence
from ..sweep import USUAL_SAVES, USUAL_STRENGTHS, usual_prompts
from .job import Job

if TYPE_CHECKING:
    from ..sampling.request import Request

MOST_CELLS = 400


@dataclass(frozen=True)
class TryOutRequest:
    """What is drawn: every save at every strength for every prompt, from one seed. A size of 0 is the base's own.

    Without `saves`, the usual ones are taken once it is the try-out's turn: also the one that a pause writes. `score`:
    the pictures are scored afterwards, and a save is proposed.
    """

    saves: Sequence[str]
    strengths: Sequence[float]
    prompts: Sequence[str]
    negative_prompt: str = ""
    seed: int = -1
    width: int = 0
    height: int = 0
    steps: int = 20
    guidance: float = 7.0
    sampler: str = "euler"
    score: bool = True

    @property
    def total(self) -> int:
        return len(self.saves) * len(self.strengths) * len(self.prompts)

    def places(self) -> Iterator[tuple[str, float, int]]:
        """Save, strength and number of the prompt of every picture: prompt by prompt, so that a whole grid is there
        soonest."""
        for number in range(len(self.prompts)):
            for save in self.saves:
                for strength in self.strengths:
                    yield save, strength, number

    def picture(self, number: int, seed: int, resolution: int, clip_skip: int) -> Request:
        """What is drawn for the prompt of that number; `resolution` stands in for sides of 0."""
        from ..sampling.request import Request

        return Request(
            prompt=self.prompts[number],
            negative_prompt=self.negative_prompt,
            seed=seed,
            width=max(64, (self.width or resolution) // 8 * 8),
            height=max(64, (self.height or resolution) // 8 * 8),
            steps=self.steps,
            guidance=self.guidance,
            sampler=self.sampler,
            clip_skip=clip_skip,
        )

    def check(self) -> None:
        """Raise UserError when nothing, too much or the impossible is asked for."""
        from ..sampling.samplers import SAMPLERS

        SAMPLERS.get(self.sampler)
        total = replace(self, saves=self.saves or [""]).total
        if not 0 < total <= MOST_CELLS:
            raise UserError(
                Sentence(
                    "tryout_size",
                    "Choose at least one save, strength and prompt, and at most {most} pictures in all (now {total}).",
                    most=MOST_CELLS,
                    total=total,
                )
            )
        bounds = (
            ("width", self.width, 0, 4096),
            ("height", self.height, 0, 4096),
            ("steps", self.steps, 1, 200),
            ("guidance", self.guidance, 1, 50),
            ("seed", self.seed, -1, 2**32 - 1),
            *(("strength", strength, -10, 10) for strength in self.strengths),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:
                sentence = "{name} is {value}, but must lie between {least} and {most}."
                values = {"name": name, "value": value, "least": least, "most": most}
                raise UserError(Sentence("tryout_value", sentence, **values))


@dataclass(frozen=True)
class TriedCell:
    """A picture that was drawn. `n` counts from 1 in the order of drawing; `prompt` is a number in the request."""

    n: int
    save: str
    strength: float
    prompt: int
    path: Path


def usual_saves(job: Job) -> list[str]:
    """The last saves of a run, and the best one by validation where it is an earlier one; oldest first."""
    saves = job.saves()
    best = [save for save in saves[:-USUAL_SAVES] if save.step == job.record.best_step]
    return [save.file for save in (*best, *saves[-USUAL_SAVES:])]


def usual_request(job: Job) -> TryOutRequest:
    """The grid that shows at once which save to use, drawn as the run's samples are."""
    samples = job.config.samples
    side = job.config.data.resolution
    return TryOutRequest(
        saves=usual_saves(job),
        strengths=USUAL_STRENGTHS,
        prompts=usual_prompts(job.config, [event for _, event in job.feed.after(0, len(job.feed))]),
        negative_prompt=samples.negative_prompt,
        seed=samples.seed,
        width=samples.width or side,
        height=samples.height or side,
        steps=samples.steps,
        guidance=samples.guidance,
        sampler=samples.sampler,
    )
