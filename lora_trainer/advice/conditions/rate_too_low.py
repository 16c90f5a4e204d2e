"""The rate is too low for so few steps: the weights cannot have gone anywhere."""

from __future__ import annotations

from typing import Any

from ...events import Event, Finished, Step, Validated
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition, rounded

EVEN = ("adamw", "adamw8bit", "lion", "schedule_free_adamw")
"""Optimizers that move every weight by about the rate, whatever the gradient's size."""
STEPS = 100
"""Shorter runs are trials."""
FAR = 0.005
"""How far weights must be able to move, all steps in one direction, to do anything: starts are about 0.03 wide."""
BETTER = 0.99


class RateTooLow(Condition):
    """The sum of all rates bounds how far a weight has moved; `up` begins at zero, so that it bounds the effect too."""

    name, title = "rate_too_low", "The learning rate is too low"
    remedy = "Raise `optimizer.learning_rate`, or train longer; look at the grid at strengths above 1."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._far, self._steps = 0.0, 0
        self._losses: list[float] = []

    def see(self, event: Event) -> Advice | None:
        if isinstance(event, Step):
            self._far, self._steps = self._far + max(event.rates.values(), default=0.0), self._steps + 1
        if isinstance(event, Validated):
            self._losses.append(event.loss)
        if not isinstance(event, Finished) or not self._too_low():
            return None
        rate = self.config.optimizer.learning_rate
        higher = rounded(rate * 10)
        sentence = Sentence(
            "advice_rate_too_low",
            "In {steps} steps no weight can have moved by more than {far}, which hardly changes a picture. Raise the "
            "learning rate from {rate} to {higher}, or train longer.",
            steps=self._steps,
            far=rounded(self._far),
            rate=rate,
            higher=higher,
        )
        return Advice(sentence, {"optimizer.learning_rate": higher})

    def _too_low(self) -> bool:
        learned = len(self._losses) > 1 and self._losses[-1] < BETTER * self._losses[0]
        even = self.config.optimizer.name in EVEN and not self.config.network.train_on
        return even and self._steps >= STEPS and 0 < self._far < FAR and not learned


CONDITIONS.add(RateTooLow.name, RateTooLow)
