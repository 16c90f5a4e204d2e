"""Muon: momentum whose matrices are made orthogonal. It learned pocket's colours in far fewer steps than AdamW alone.

Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024); the scale of the update after
Liu et al., "Muon is scalable for LLM training" (arXiv:2502.16982), so that AdamW's learning rates fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, from Jordan
ITERATIONS = 5


def muon_and_adamw(
    modules: Iterable[nn.Module], ends: tuple[str, ...], muon_factor: float, betas: tuple[float, float]
) -> list[torch.optim.Optimizer]:
    """Muon for the matrices and kernels inside, AdamW for norms, biases and what has one of `ends` in its name.

    `set_rate` gives them their learning rates; Muon's is `muon_factor` times AdamW's.
    """
    named = [pair for module in modules for pair in module.named_parameters() if pair[1].requires_grad]
    inner = [p for name, p in named if p.ndim >= 2 and not any(end in name for end in ends)]
    chosen = {id(p) for p in inner}
    others = [p for _, p in named if id(p) not in chosen]
    adamw = torch.optim.AdamW(others, betas=betas, weight_decay=0.0, fused=True)
    optimizers: list[torch.optim.Optimizer] = [Muon(inner, 0.0), adamw]
    for optimizer, factor in zip(optimizers, (muon_factor, 1.0)):
        for group in optimizer.param_groups:
            group["factor"] = factor
    return optimizers


def set_rate(optimizers: Iterable[torch.optim.Optimizer], rate: float) -> None:
    """Sets AdamW's learning rate to `rate`, and Muon's to the multiple of it that it was made with."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate * group["factor"]


class Muon(torch.optim.Optimizer):
    """For weights of two dimensions and more; kernels are taken as matrices (out, in x height x width)."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    matrix = parameter.grad.flatten(1)
                    alike[(matrix.shape[0], matrix.shape[1])].append(parameter)
            for (rows, columns), parameters in alike.items():
                updates = orthogonal(torch.stack([self._moved(p, group["momentum"]) for p in parameters]))
                size = 0.2 * max(rows, columns) ** 0.5 * group["lr"]
                for parameter, update in zip(parameters, updates):
                    parameter.sub_(update.view_as(parameter), alpha=size)

    def _moved(self, parameter: Tensor, momentum: float) -> Tensor:
        """The gradient after Nesterov's momentum, as a matrix."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(state["momentum"], momentum).flatten(1)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest matrices (n, rows, columns) with all singular values near 1, by Newton-Schulz iterations.

    Each iteration multiplies by a polynomial of the matrices' products with their own transposes. The polynomials act
    on these small squares alone, so the long matrices themselves are multiplied twice only, not ten times.
    """
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    square = x @ x.mT
    identity = torch.eye(square.shape[1]).expand_as(square)
    whole = identity
    for _ in range(ITERATIONS):
        factor = a * identity + b * square + c * square @ square
        whole = factor @ whole
        square = factor @ square @ factor
    x = whole @ x
    return x.mT if tall else x
