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
        every = self._every_save
        return bool(every) and step % every == 0 and step < self.total

    def sample_due(self, step: int) -> bool:
        return self._due(self.config.samples.every, step)

    def validation_due(self, step: int) -> bool:
        return self._due(self.config.validation_every, step)

    def anything_due(self, step: int) -> bool:
        return self.save_due(step) or self.sample_due(step) or self.validation_due(step)

    def saves_from(self, step: int) -> int:
        """How many saves are due after `step` steps or later, the end's own not counted."""
        return _multiples(self._every_save, step, self.total)

    def samples_from(self, step: int) -> int:
        """How many rounds of samples are due after `step` steps or later."""
        return self._count(self.config.samples.every, step)

    def validations_from(self, step: int) -> int:
        return self._count(self.config.validation_every, step)

    @property
    def _every_save(self) -> int:
        options = self.config.save
        return options.every or options.every_epochs * self.steps_per_epoch

    def _due(self, every: int, step: int) -> bool:
        """Whether what is done so often, or with every save, and in any case at the end, is due."""
        at_its_time = step % every == 0 if every else self.save_due(step)
        return at_its_time or step == self.total

    def _count(self, every: int, step: int) -> int:
        return _multiples(every or self._every_save, step, self.total) + 1


def _multiples(every: int, start: int, end: int) -> int:
    """How many multiples of `every` lie from `start` until before `end`, 0 left out; none of 0."""
    return (end - 1) // every - (max(1, start) - 1) // every if every else 0
