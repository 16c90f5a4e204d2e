"""Prodigy: AdamW that finds its own learning rate (Mishchenko & Defazio 2023, arXiv:2306.06101, algorithm 4)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch


class Prodigy(torch.optim.Optimizer):
    """The distance d to the solution is estimated on the way; steps are d * lr long, so lr stays 1.

    Groups of other rates move in proportion. `d` and its kin lie on the device and are never read in a step.
    `d_coef` scales the estimate; `safeguard_warmup` keeps the warm-up's small rates out of its denominator.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        betas: tuple[float, float] = (0.9, 0.999),
        beta3: float | None = None,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        d0: float = 1e-6,
        d_coef: float = 1.0,
        growth_rate: float = math.inf,
        use_bias_correction: bool = False,
        safeguard_warmup: bool = False,
    ) -> None:
        names = ("lr", "betas", "beta3", "eps", "weight_decay", "d0", "d_coef", "growth_rate")
        given = locals()
        defaults = {name: given[name] for name in (*names, "use_bias_correction", "safeguard_warmup")}
        super().__init__(params, {**defaults, "k": 0})
        first = self.param_groups[0]
        device = first["params"][0].device
        for name, value in (("d", d0), ("d_max", d0), ("d_numerator", 0.0)):
            first[name] = torch.tensor(value, dtype=torch.float32, device=device)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        d = self.param_groups[0]["d"].clone()  # steps are taken with the estimate from before the step
        denominator = torch.zeros_like(d)
        numerator = self.param_groups[0]["d_numerator"]
        numerator.mul_(_beta3(self.param_groups[0]))
        for group in self.param_groups:
            if group["lr"] > 0:
                for p in (p for p in group["params"] if p.grad is not None):
                    step_numerator, step_denominator = self._observe(p, group, d)
                    numerator.add_(step_numerator)
                    denominator.add_(step_denominator)
        self._estimate(numerator, denominator)
        for group in self.param_groups:
            self._move(group, d)
            group["k"] += 1

    def _observe(self, p: torch.Tensor, group: dict[str, Any], d: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Take p's gradient into its averages; return its shares of the estimate's numerator and denominator."""
        state, grad, (beta1, beta2) = self.state[p], p.grad, group["betas"]
        if "s" not in state:
            state.update({name: torch.zeros_like(p) for name in ("s", "exp_avg", "exp_avg_sq")}, p0=p.clone())
        state["exp_avg"].mul_(beta1).add_(grad * (d * (1 - beta1)))
        state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad * (d * d * (1 - beta2)))
        weight = d / group["d0"] * d
        length = _length(group)
        state["s"].mul_(_beta3(group)).add_(grad * (weight if group["safeguard_warmup"] else weight * length))
        return weight * length * (grad * (state["p0"] - p)).sum(), state["s"].abs().sum()

    def _estimate(self, numerator: torch.Tensor, denominator: torch.Tensor) -> None:
        """Raise d to what was observed; it never falls."""
        group = self.param_groups[0]
        d, d_max = group["d"], group["d_max"]
        seen = denominator > 0
        d_hat = group["d_coef"] * numerator / torch.where(seen, denominator, torch.ones_like(denominator))
        d_max.copy_(torch.where(seen, torch.maximum(d_max, d_hat), d_max))
        grown = torch.where(d <= group["d0"], torch.maximum(d, d_hat), d) * group["growth_rate"]
        d.copy_(torch.where(seen, torch.minimum(d_max, grown), d))

    def _move(self, group: dict[str, Any], d: torch.Tensor) -> None:
        rate = d * _length(group)
        for p in (p for p in group["params"] if p.grad is not None and "s" in self.state[p]):
            state = self.state[p]
            denominator = state["exp_avg_sq"].sqrt().add_(self.param_groups[0]["d"] * group["eps"])
            if group["weight_decay"]:
                p.sub_(p * (rate * group["weight_decay"]))
            p.sub_(state["exp_avg"] / denominator * rate)


def _beta3(group: dict[str, Any]) -> float:
    return math.sqrt(group["betas"][1]) if group["beta3"] is None else group["beta3"]


def _length(group: dict[str, Any]) -> float:
    """The step's length in units of d."""
    if not group["use_bias_correction"]:
        return group["lr"]
    beta1, beta2 = group["betas"]
    step = group["k"] + 1
    return group["lr"] * math.sqrt(1 - beta2**step) / (1 - beta1**step)
