"""Schedule-free AdamW (Defazio et al. 2024, arXiv:2405.15682, algorithm 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class ScheduleFreeAdamW(torch.optim.Optimizer):
    """Averages its iterates in place of lowering the rate; it wants a constant schedule (a warm-up is fine).

    While training the parameters hold y, where gradients are taken; `eval()` puts the average x there, which is what is
    saved and drawn with, and `train()` puts y back exactly: looking at x on the way never changes a training.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        weight_lr_power: float = 2.0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "weight_lr_power": weight_lr_power, "k": 0, "lr_max": 0.0, "sum": 0.0})
        self._y: dict[torch.Tensor, torch.Tensor] = {}

    @property
    def training(self) -> bool:
        return not self._y

    @torch.no_grad()
    def eval(self) -> None:
        """Put the average x into the parameters. Twice is as once."""
        if self._y:
            return
        for group in self.param_groups:
            for p in (p for p in group["params"] if "z" in self.state[p]):
                self._y[p] = p.clone()
                p.lerp_(self.state[p]["z"], 1 - 1 / group["betas"][0])

    @torch.no_grad()
    def train(self) -> None:
        """Put y back into the parameters. Twice is as once."""
        for p, y in self._y.items():
            p.copy_(y)
        self._y.clear()

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        if not self.training:
            raise RuntimeError("Call train() before step(): the parameters hold the average.")
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if params:
                self._step(group, params)

    def _step(self, group: dict[str, Any], params: list[torch.Tensor]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        share = self._share(group)
        z, squares = self._states(params, "z"), self._states(params, "exp_avg_sq")
        grads = [p.grad for p in params]
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
        denominators = torch._foreach_div(squares, 1 - beta2 ** group["k"])
        torch._foreach_sqrt_(denominators)
        torch._foreach_add_(denominators, group["eps"])
        directions = torch._foreach_div(grads, denominators)
        if group["weight_decay"]:
            torch._foreach_add_(directions, params, alpha=group["weight_decay"])
        # With y = (1 - beta1) z + beta1 x and x' = (1 - share) x + share z' this is y' without ever forming x.
        torch._foreach_lerp_(params, z, share)
        torch._foreach_add_(params, directions, alpha=lr * (beta1 * (1 - share) - 1))
        torch._foreach_add_(z, directions, alpha=-lr)

    def _share(self, group: dict[str, Any]) -> float:
        """Count the step, and return the share of the newest iterate in the average: by the largest rate so far."""
        group["k"] += 1
        group["lr_max"] = max(group["lr_max"], group["lr"])
        weight = group["lr_max"] ** group["weight_lr_power"]
        group["sum"] += weight
        return weight / group["sum"] if group["sum"] else 0.0

    def _states(self, params: list[torch.Tensor], name: str) -> list[torch.Tensor]:
        for p in params:
            if name not in self.state[p]:
                self.state[p][name] = p.clone() if name == "z" else torch.zeros_like(p)
        return [self.state[p][name] for p in params]
