"""Validation: the loss on fixed pictures, fixed noise and fixed timesteps, which raw losses are too noisy to show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial

import torch

from ..data.loader import Batch
from ..data.plan import BatchPlan, Item, RunPlan, pixels_of
from ..devices import release_memory
from ..portions import Portions
from ..seeds import generator
from .pace import Passes
from .step import Stepper

TIMESTEPS = 4
"""Timesteps at which each picture is measured, spread over the whole range."""
MOST_PICTURES = 16


class Validation:
    """Measures the mean unweighted loss over `validation_batches`, which never change during a run.

    `portions` tells how many pictures are measured at a time.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._batches = validation_batches(stepper.loader.plan)
        self.portions = Portions(partial(release_memory, stepper.model.device))
        self.losses: dict[int, float] = {}
        """By steps taken; only those that are numbers."""

    @property
    def best_step(self) -> int:
        """The step with the lowest loss so far; 0 when there is none."""
        return self.best_of(self.losses)

    def best_of(self, steps: Iterable[int]) -> int:
        """Of these steps the one with the lowest loss; 0 when none of them was measured."""
        return min((step for step in steps if step in self.losses), key=self.losses.__getitem__, default=0)

    def measure(self, step: int) -> float:
        """The loss after `step` steps, which is kept in `losses` when it is a number."""
        total, count = 0.0, 0
        for number, (batch, stratum) in enumerate(self._tasks()):
            with torch.no_grad():
                losses = self._losses(batch, number, stratum)
            total += float(losses.sum())
            count += len(losses)
        loss = total / max(1, count)
        if math.isfinite(loss):
            self.losses[step] = loss
        return loss

    def state(self) -> list[tuple[int, float]]:
        return list(self.losses.items())

    def restore(self, state: Iterable[tuple[int, float]]) -> None:
        self.losses = dict(state)

    def _tasks(self) -> Iterator[tuple[Batch, int]]:
        for planned in self._batches:
            batch = self._stepper.loader.load(planned)
            for stratum in range(TIMESTEPS):
                yield batch, stratum

    def _losses(self, batch: Batch, number: int, stratum: int) -> torch.Tensor:
        stepper = self._stepper
        latents = batch.latents.to(stepper.model.device)
        task = stepper.objective.fixed_task(
            latents, stratum, TIMESTEPS, generator("cpu", stepper.config.seed, "validation", number)
        )
        return torch.cat(self.portions.map(lambda rows: stepper.losses(batch, task, rows), len(batch)))


def validation_batches(plan: RunPlan) -> list[BatchPlan]:
    """The held-back pictures; without any, one centred showing of each of the first trained ones."""
    if plan.validation:
        return list(plan.validation)
    pictures = enumerate(plan.pictures)
    chosen = [(index, it) for index, it in pictures if not it.regularization and it.repeats][:MOST_PICTURES]
    return [BatchPlan(it.bucket, (Item(index, 0, False, it.caption),)) for index, it in chosen]


def passes_of_validation(plan: RunPlan) -> Passes:
    """What goes through the model in one validation."""
    batches = validation_batches(plan)
    return Passes(TIMESTEPS * len(batches), TIMESTEPS * sum(map(pixels_of, batches)))
