"""DoRA modules: a low-rank change of a weight's direction, and a length for each of its inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .lora import LoraModule
from .module import Module, arithmetic

TINY = 1e-12


@dataclass
class DoraModule(Module):
    """W becomes V * scale / |V| with V = W + `low_rank`'s change; lengths are those of V's columns, one for each input.

    `scale` is (1, in) or (1, in, 1, 1), the form that A1111 and Forge read exactly.
    """

    kind = "dora"

    low_rank: LoraModule
    scale: torch.Tensor

    @property
    def alpha(self) -> float:  # type: ignore[override]
        return self.low_rank.alpha

    @property
    def rank(self) -> int:
        return self.low_rank.rank

    @property
    def weight_shape(self) -> tuple[int, ...]:
        return self.low_rank.weight_shape

    def tensors(self) -> dict[str, torch.Tensor]:
        return {**self.low_rank.tensors(), "dora_scale": self.scale}

    def change(self, weight: torch.Tensor) -> torch.Tensor:
        whole = weight.to(arithmetic(weight))
        turned = whole + self.low_rank.change(weight)
        scale = self.scale.to(turned).reshape(1, -1, *(1 for _ in turned.shape[2:]))
        return turned * (scale / lengths(turned)) - whole

    def problem(self) -> str:
        wanted = (1, self.weight_shape[1])
        if tuple(self.scale.shape[:2]) != wanted or self.scale.numel() != wanted[1]:
            return f"its scale has the shape {tuple(self.scale.shape)} where {wanted} would fit"
        return self.low_rank.problem()


def lengths(weight: torch.Tensor) -> torch.Tensor:
    """The length of a weight (out, in[, kh, kw]) by input, as (1, in[, 1, 1])."""
    dims = tuple(dim for dim in range(weight.dim()) if dim != 1)
    return torch.linalg.vector_norm(weight, dim=dims, keepdim=True).clamp(min=TINY)
