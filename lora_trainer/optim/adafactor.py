"""Adafactor: second moments kept as a row and a column (Shazeer & Stern 2018, arXiv:1804.04235, algorithms 4 and 5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch


class Adafactor(torch.optim.Optimizer):
    """Takes the given rate as it is (no relative steps); no momentum. `eps` keeps squared gradients above zero.

    Updates longer than `clip_threshold` (root mean square) are scaled down; `scale_parameter` makes steps relative to a
    parameter's size, but at least `least_scale`, as in the paper's algorithm 4.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        eps: float = 1e-30,
        clip_threshold: float = 1.0,
        decay_power: float = 0.8,
        weight_decay: float = 0.0,
        scale_parameter: bool = False,
        least_scale: float = 1e-3,
    ) -> None:
        defaults = {"lr": lr, "eps": eps, "clip_threshold": clip_threshold, "decay_power": decay_power}
        scales = {"scale_parameter": scale_parameter, "least_scale": least_scale}
        super().__init__(params, {**defaults, **scales, "weight_decay": weight_decay, "k": 0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            group["k"] += 1
            beta2 = 1 - group["k"] ** -group["decay_power"]
            for p in (p for p in group["params"] if p.grad is not None):
                self._move(p, group, beta2)

    def _move(self, p: torch.Tensor, group: dict[str, Any], beta2: float) -> None:
        update = p.grad * self._inverse_root(p, p.grad.square() + group["eps"], beta2)
        update.div_((_rms(update) / group["clip_threshold"]).clamp(min=1.0))
        if group["scale_parameter"]:
            update.mul_(_rms(p).clamp(min=group["least_scale"]))
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.add_(update, alpha=-group["lr"])

    def _inverse_root(self, p: torch.Tensor, squares: torch.Tensor, beta2: float) -> torch.Tensor:
        """1 / sqrt of p's second moment: rank one over its last two dimensions, full for vectors."""
        state = self.state[p]
        if p.dim() < 2:
            return _average(state, "exp_avg_sq", squares, beta2).rsqrt()
        row = _average(state, "exp_avg_sq_row", squares.mean(dim=-1), beta2)
        column = _average(state, "exp_avg_sq_col", squares.mean(dim=-2), beta2)
        row_factor = (row / row.mean(dim=-1, keepdim=True)).rsqrt().unsqueeze(-1)
        return row_factor * column.rsqrt().unsqueeze(-2)


def _average(state: dict[str, Any], name: str, value: torch.Tensor, beta: float) -> torch.Tensor:
    if name not in state:
        state[name] = torch.zeros_like(value)
    return state[name].lerp_(value, 1 - beta)


def _rms(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.square().mean().sqrt()
