"""Underfitting: at its end the run was still learning as fast as before."""

from __future__ import annotations

from typing import Any

from ...events import Event, Finished, Step
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition
from ..validations import Validations

LEAST = 4
"""Validations, for a course to be seen."""
LAST = 1 / 3
"""The end of a run, by its steps."""
STEEP = 0.27
"""The share of the whole fall that falls into the end. A straight line has a third of it there; lessons on pocket have
0.05 and 0.07, at a sixth of the lesson's rate 0.18."""
FALL = 0.02
"""Losses on fixed noise that fell by less have learned nothing that could be called unfinished."""
STEPS = 50
"""Shorter runs are trials."""


class Underfitting(Condition):
    """Goes by validations, which are asked the same each time: single losses differ tenfold from step to step, and the
    mean of a hundred of them still by a tenth. A course that grows flat has learned what it could, however little."""

    name, title = "underfitting", "The LoRA has not learned enough"
    remedy = "Train longer: more steps, or a larger `data.batch_size`; or raise `optimizer.learning_rate`."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._validations, self._steps = Validations(), 0

    def see(self, event: Event) -> Advice | None:
        self._validations.see(event)
        self._steps += isinstance(event, Step)
        if not isinstance(event, Finished) or event.stopped or self._steps < STEPS:
            return None
        losses = self._validations.losses
        if len(losses) < LEAST or self._validations.best != max(losses) or not self._steep():
            return None
        end = max(losses)
        first, last = losses[min(losses)], losses[end]
        sentence = Sentence(
            "advice_underfitting",
            "The loss fell from {first} to {last}, {percent} % of it in the last third of the run: at its end it was "
            "still learning as fast as before. Train {steps} steps, or raise the learning rate.",
            first=round(first, 4),
            last=round(last, 4),
            percent=round(100 * self._end_share()),
            steps=2 * end,
        )
        return Advice(sentence, {"steps": 2 * end})

    def _steep(self) -> bool:
        losses = list(self._validations.losses.values())
        return losses[0] - losses[-1] >= FALL * losses[0] and self._end_share() >= STEEP

    def _end_share(self) -> float:
        """The share of the fall since the first validation that came in the last third of the steps since then."""
        losses = self._validations.losses
        start, end = min(losses), max(losses)
        border = end - LAST * (end - start)
        before = max(step for step in losses if step <= border)
        after = min(step for step in losses if step > border)
        there = losses[before] + (losses[after] - losses[before]) * (border - before) / (after - before)
        return (there - losses[end]) / max(losses[start] - losses[end], 1e-12)


CONDITIONS.add(Underfitting.name, Underfitting)
