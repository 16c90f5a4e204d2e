"""The loss grows out of all measure, or has done so before it could be seen growing."""

from __future__ import annotations

from statistics import median
from typing import Any

from ...events import Event, Step
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition, rounded

WINDOW = 20
"""Single losses differ tenfold with the timestep; medians of so many hardly do."""
TIMES = 4.0
NOTHING = 0.7
"""Noise and latents have a variance of 1, which is the loss of predicting nothing at all; a base is far below it."""


class Exploding(Condition):
    """A median loss several times the lowest one that there was before, or that of a base that is destroyed."""

    name, title = "exploding", "The loss explodes"
    remedy = "Lower `optimizer.learning_rate` to a tenth."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._window: list[float] = []
        self._least = 0.0

    def see(self, event: Event) -> Advice | None:
        if not isinstance(event, Step) or not event.loss:  # a skipped step has none
            return None
        self._window.append(event.loss)
        if len(self._window) < WINDOW:
            return None
        now, before = median(self._window), self._least
        self._window, self._least = [], min(before or now, now)
        rate = self.config.optimizer.learning_rate
        lower = rounded(rate / 10)
        values = {"now": round(now, 4), "step": event.step, "rate": rate, "lower": lower}
        changes = {"optimizer.learning_rate": lower}
        if before and now > TIMES * before:
            rose = "The loss rose from {least} to {now} by step {step}: the learning rate is far too high. "
            least = round(before, 4)
            return Advice(
                Sentence("advice_exploding", rose + "Lower it from {rate} to {lower}.", least=least, **values), changes
            )
        if now > NOTHING and self._is_plain():
            lost = "The loss is {now} by step {step}, as of a base that predicts nothing: the learning rate is far too "
            return Advice(
                Sentence("advice_destroyed", lost + "high. Lower it from {rate} to {lower}.", **values), changes
            )
        return None

    def _is_plain(self) -> bool:
        """Whether nothing in the options makes losses larger than squares of differences are."""
        weights = [self.config.data.prior_weight, *(folder.weight for folder in self.config.data.folders)]
        return self.config.loss.type == "l2" and not self.config.loss.debiased and max(weights) <= 1


CONDITIONS.add(Exploding.name, Exploding)
