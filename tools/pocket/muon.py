"""Muon: momentum whose matrices are made orthogonal. It learned pocket's colours in far fewer steps than AdamW alone.

Keller Jordan, "Muon: An optimizer for hidden layers in neural networks" (2024); the scale of the update after
Liu et al., "Muon is scalable for LLM training" (arXiv:2502.16982), so that AdamW's learning rates fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, from Jordan
ITERATIONS = 5


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
    """The nearest matrices (n, rows, columns) with all singular values near 1, by Newton-Schulz iterations in bf16."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if tall else x).to(matrices.dtype)
