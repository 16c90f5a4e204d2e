"""Losses or gradients are no numbers, again and again."""

from __future__ import annotations

from typing import Any

from ...events import Event, Warned
from ...sentences import Sentence
from ..catalogue import CONDITIONS, Advice, Condition, rounded

MANY = 3


class NoNumber(Condition):
    """A step or two may be skipped in any run; more of them have a cause."""

    name, title = "no_number", "Losses are no numbers"
    remedy = "Lower `optimizer.learning_rate`, or set `memory.precision` to bf16 or fp32."

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._bad = 0

    def see(self, event: Event) -> Advice | None:
        self._bad += isinstance(event, Warned) and event.code == "bad_step"
        if self._bad < MANY:
            return None
        rate = self.config.optimizer.learning_rate
        sentence = Sentence(
            "advice_no_number",
            "{count} steps had losses or gradients that are no numbers. Lower the learning rate from {rate} to "
            "{lower}; if that does not help, set memory.precision to fp32.",
            count=self._bad,
            rate=rate,
            lower=rounded(rate / 5),
        )
        return Advice(sentence, {"optimizer.learning_rate": rounded(rate / 5)})


CONDITIONS.add(NoNumber.name, NoNumber)
