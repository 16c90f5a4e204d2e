"""When what is due: saves, samples and validations, as pure functions of the step."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import TrainConfig


@dataclass(frozen=True)
class Agenda:
    """What is due after which step of a run with `total` steps."""

    config: TrainConfig
    total: int
    steps_per_epoch: int

    def saves(self) -> tuple[int, ...]:
        """All steps after which a LoRA is saved under its step's name; the end is saved under the plain name."""
        return tuple(step for step in range(1, self.total) if self.save_due(step))

    def save_due(self, step: int) -> bool:
        options = self.config.save
        every = options.every or options.every_epochs * self.steps_per_epoch
        return bool(every) and step % every == 0 and step < self.total

    def sample_due(self, step: int) -> bool:
        every = self.config.samples.every
        return self._at_saves(step) if not every else step % every == 0 or step == self.total

    def validation_due(self, step: int) -> bool:
        every = self.config.validation_every
        return self._at_saves(step) if not every else step % every == 0 or step == self.total

    def anything_due(self, step: int) -> bool:
        return self.save_due(step) or self.sample_due(step) or self.validation_due(step)

    def _at_saves(self, step: int) -> bool:
        return self.save_due(step) or step == self.total
