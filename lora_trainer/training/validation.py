"""Validation: the loss on fixed pictures, fixed noise and fixed timesteps, which raw losses are too noisy to show."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ..data.loader import Batch
from ..data.plan import BatchPlan, Item, RunPlan
from ..seeds import generator
from .step import Stepper

TIMESTEPS = 4
"""Timesteps at which each picture is measured, spread over the whole range."""
MOST_PICTURES = 16


class Validation:
    """Measures the mean unweighted loss over `validation_batches`, which never change during a run."""

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._batches = validation_batches(stepper.loader.plan)
        self.best_loss, self.best_step = float("inf"), 0

    def measure(self, step: int) -> float:
        """The loss after `step` steps; `best_step` and `best_loss` follow it."""
        total, count = 0.0, 0
        for number, (batch, stratum) in enumerate(self._tasks()):
            with torch.no_grad():
                losses = self._losses(batch, number, stratum)
            total += float(losses.sum())
            count += len(losses)
        loss = total / max(1, count)
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, step
        return loss

    def state(self) -> dict[str, float]:
        return {"best_loss": self.best_loss if self.best_step else -1.0, "best_step": self.best_step}

    def restore(self, state: dict[str, float]) -> None:
        self.best_step = int(state["best_step"])
        self.best_loss = state["best_loss"] if self.best_step else float("inf")

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
        return stepper.losses(batch, task)


def validation_batches(plan: RunPlan) -> list[BatchPlan]:
    """The held-back pictures; without any, one centred showing of each of the first trained ones."""
    if plan.validation:
        return list(plan.validation)
    pictures = enumerate(plan.pictures)
    chosen = [(index, it) for index, it in pictures if not it.regularization and it.repeats][:MOST_PICTURES]
    return [BatchPlan(it.bucket, (Item(index, 0, False, it.caption),)) for index, it in chosen]
