"""Overfitting: pictures that were held back are predicted worse and worse."""

from __future__ import annotations

from typing import Any

from ...events import Event
from ...sentences import Sentence
from ..catalogue import CONDITIONS, ENDS, Advice, Condition
from ..validations import Validations

WORSE = 1.05
LEAST = 3
"""Validations after the best one."""


class Overfitting(Condition):
    """Says after which step it began, which is known at the end."""

    name, title = "overfitting", "The LoRA learns its pictures by heart"
    remedy = "Use an earlier save or a lower strength; train fewer steps or a lower rank."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._validations = Validations()

    def see(self, event: Event) -> Advice | None:
        self._validations.see(event)
        if not (isinstance(event, ENDS) and self._validations and self.config.data.validation_share):
            return None
        best, least, after = self._validations.best, self._validations.least, self._validations.since_best
        if len(after) < LEAST or after[-1] < WORSE * least:
            return None
        sentence = Sentence(
            "advice_overfitting",
            "The loss on the pictures that were held back rose from {least} at step {best} to {last}: from there on "
            "the LoRA learned its pictures by heart. Use the save nearest to step {best}, and train {best} steps.",
            least=round(least, 4),
            best=best,
            last=round(after[-1], 4),
        )
        return Advice(sentence, {"steps": best})


CONDITIONS.add(Overfitting.name, Overfitting)
