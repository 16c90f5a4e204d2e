"""The rate is too high: the very pictures that are trained are predicted worse than before."""

from __future__ import annotations

from typing import Any

from ...events import Event, Finished
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition, rounded
from ..validations import Validations

WORSE = 1.1
LEAST = 3


class RateTooHigh(Condition):
    """Without pictures held back, validation measures trained ones: there it may flatten out, but not rise."""

    name, title = "rate_too_high", "The learning rate is too high"
    remedy = "Lower `optimizer.learning_rate` to a third, or use the best save."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._validations = Validations()

    def see(self, event: Event) -> Advice | None:
        self._validations.see(event)
        if not isinstance(event, Finished) or self.config.data.validation_share or len(self._validations) < LEAST:
            return None
        best, least, after = self._validations.best, self._validations.least, self._validations.since_best
        if len(after) < LEAST - 1 or after[-1] < WORSE * least:
            return None
        rate = self.config.optimizer.learning_rate
        sentence = Sentence(
            "advice_rate_too_high",
            "The loss on trained pictures rose from {best_loss} at step {best} to {loss} at the end: the learning "
            "rate is too high. Lower it from {rate} to {lower}, or use the save of step {best}.",
            best=best,
            best_loss=round(least, 4),
            loss=round(after[-1], 4),
            rate=rate,
            lower=rounded(rate / 3),
        )
        return Advice(sentence, {"optimizer.learning_rate": rounded(rate / 3)})


CONDITIONS.add(RateTooHigh.name, RateTooHigh)
