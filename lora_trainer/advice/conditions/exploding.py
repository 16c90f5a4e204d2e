"""The loss grows out of all measure."""

from __future__ import annotations

from typing import Any

from ...events import Event, Step
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition, medians, rounded

WINDOW = 20
"""Single losses differ tenfold with the timestep; medians of so many hardly do."""
TIMES = 4.0


class Exploding(Condition):
    """A median loss several times the lowest one that there was before."""

    name, title = "exploding", "The loss explodes"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._losses: list[float] = []

    def see(self, event: Event) -> Advice | None:
        if not isinstance(event, Step) or not event.loss:  # a skipped step has none
            return None
        self._losses.append(event.loss)
        if len(self._losses) % WINDOW:
            return None
        *before, now = medians(self._losses, WINDOW)
        least = min(before, default=now)
        if now <= TIMES * least:
            return None
        rate = self.config.optimizer.learning_rate
        sentence = Sentence(
            "advice_exploding",
            "The loss rose from {least} to {now} by step {step}: the learning rate is far too high. "
            "Lower it from {rate} to {lower}.",
            least=round(least, 4),
            now=round(now, 4),
            step=event.step,
            rate=rate,
            lower=rounded(rate / 10),
        )
        return Advice(sentence, {"optimizer.learning_rate": rounded(rate / 10)})


CONDITIONS.add(Exploding.name, Exploding)
