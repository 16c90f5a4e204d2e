"""One optimizer step: micro-batches forward and backward, clipping, the optimizer's move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from .. import optimizers
from ..config import TrainConfig
from ..data.loader import Batch, Loader
from ..devices import Later
from ..objective import Objective, Task
from ..portions import parts
from ..schedules import rate_factor
from ..seeds import generator
from .captions import ALL, CaptionSource
from .model import TrainingModel
from .scaler import LossScaler


@dataclass(frozen=True)
class StepResult:
    """A step that was launched. Loss and gradient norm are read late, so that a GPU need not be waited for."""

    step: int
    rates: dict[str, float]
    numbers: Later

    def read(self) -> tuple[float, float, bool]:
        """Loss, gradient norm, and whether both are numbers."""
        loss, norm, finite = self.numbers.read()
        return loss, norm, bool(finite)


class Stepper:
    """Takes steps. All that is random in one is drawn from (seed, step, micro-batch), so any step can be taken anew.

    `at_a_time` is how many pictures go through the model together; 0: a whole micro-batch. A micro-batch is drawn first
    and then taken apart, so that less at a time asks the same of every picture and gives the same gradients.
    """

    def __init__(
        self,
        config: TrainConfig,
        model: TrainingModel,
        loader: Loader,
        captions: CaptionSource,
        objective: Objective,
        scaler: LossScaler,
        total_steps: int,
    ) -> None:
        self.config, self.model, self.loader, self.captions = config, model, loader, captions
        self.objective, self.scaler, self.total_steps = objective, scaler, total_steps
        self.at_a_time = 0

    def take(self, step: int, between: Callable[[], None] = lambda: None) -> StepResult:
        """Take step number `step` (from 0). `between` is called before everything that goes through the model.

        What breaks it off leaves weights and optimizer as they were.
        """
        count = self.config.optimizer.accumulation
        losses = [self._backward(step, micro, count, between) for micro in range(count)]
        rates = optimizers.set_rates(self.model.optimizer, rate_factor(self.config.optimizer, step, self.total_steps))
        return self._move(step, rates, torch.stack(losses).mean())

    def _backward(self, step: int, micro: int, count: int, between: Callable[[], None]) -> torch.Tensor:
        """Gradients of one micro-batch of a step of `count`; its loss, detached."""
        between()
        batch = self.loader.batch(step, micro)
        task, weights = self.draw(batch, step, micro), batch.weights.to(self.model.device)
        shares: list[torch.Tensor] = []
        for rows in parts(len(batch), self.at_a_time):
            if shares:
                between()
            self.model.adapters.clock.set(step, micro, rows, len(batch))
            with torch.enable_grad():
                share = (self.losses(batch, task, rows) * weights[rows]).sum() / len(batch)
                (share * (self.scaler.factor / count)).backward()
            shares.append(share.detach())
        return torch.stack(shares).sum()

    def draw(self, batch: Batch, step: int, micro: int) -> Task:
        latents = batch.latents.to(self.model.device, non_blocking=True)
        return self.objective.draw(latents, generator("cpu", self.config.seed, "noise", step, micro))

    def losses(self, batch: Batch, task: Task, rows: slice = ALL) -> torch.Tensor:
        """The weighted loss of each picture, or of some of them, (n,) fp32."""
        conditioning = self.captions(batch.captions, rows)
        batch, task = batch[rows], task[rows]
        prediction = self.model.predict(task.noisy, task.timesteps, conditioning, batch.sizes)
        mask = None if batch.mask is None else batch.mask.to(self.model.device)
        return self.objective.losses(prediction, task, mask)

    def _move(self, step: int, rates: dict[str, float], loss: torch.Tensor) -> StepResult:
        """Unscale and clip the gradients and let the optimizer move, unless something is no number."""
        parameters = self.model.parameters
        if self.scaler.factor != 1.0:
            torch._foreach_div_([p.grad for p in parameters if p.grad is not None], self.scaler.factor)
        norm = _gradient_norm(parameters)
        finite = torch.isfinite(norm) & torch.isfinite(loss)
        result = StepResult(step, rates, Later(torch.stack([loss.float(), norm, finite.float()])))
        self._clip(norm)
        self.model.move(finite)
        return result

    def _clip(self, norm: torch.Tensor) -> None:
        longest = self.config.optimizer.clip_norm
        if longest:
            factor = (longest / (norm + 1e-6)).clamp(max=1.0)
            torch._foreach_mul_([p.grad for p in self.model.parameters if p.grad is not None], factor)


def _gradient_norm(parameters: Sequence[torch.nn.Parameter]) -> torch.Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:  # every adapter was dropped from this step
        return torch.zeros((), device=parameters[0].device)
    return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
