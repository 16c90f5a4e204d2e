"""What the validations of a run have shown so far."""

from __future__ import annotations

from collections.abc import Mapping

from ..events import Event, Validated


class Validations:
    """Losses by step, in the order of the run."""

    def __init__(self) -> None:
        self._losses: dict[int, float] = {}

    def see(self, event: Event) -> None:
        if isinstance(event, Validated):
            self._losses[event.step] = event.loss

    @property
    def losses(self) -> Mapping[int, float]:
        return self._losses

    def __len__(self) -> int:
        return len(self._losses)

    @property
    def best(self) -> int:
        """The step with the least loss; there must have been a validation."""
        return min(self._losses, key=self._losses.__getitem__)

    @property
    def least(self) -> float:
        return self._losses[self.best]

    @property
    def since_best(self) -> list[float]:
        """The losses after the best one."""
        best = self.best
        return [loss for step, loss in self._losses.items() if step > best]
