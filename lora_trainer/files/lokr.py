"""LoKr modules: the change of a weight is the Kronecker product of a small matrix and a larger one."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .module import Parts, PartsModule, arithmetic, tucker

ROLES = frozenset(f"lokr_{role}" for role in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2"))


@dataclass
class LokrModule(PartsModule):
    """scale * (w1 ⊗ w2), w1 (l, m) and w2 (k, n[, kh, kw]) for a weight (l * k, m * n[, kh, kw]).

    Either stands in the file itself or as a product: w1_a (l, r) @ w1_b (r, m), w2_a (k, r) @ w2_b (r, n * kh * kw), or
    in Tucker's form w2_a (r, k), w2_b (r, n) and t2 (r, r, kh, kw). The scale is alpha / r, and 1 where neither is one.
    """

    kind = "lokr"

    @property
    def rank(self) -> int:
        inner = self.parts.get("lokr_w2_b", self.parts.get("lokr_w1_b"))
        return 0 if inner is None else inner.shape[0]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        first, second = kronecker_factors(self.parts)
        return (first.shape[0] * second.shape[0], first.shape[1] * second.shape[1], *second.shape[2:])

    def change(self, weight: torch.Tensor) -> torch.Tensor:
        kind = arithmetic(weight)
        first, second = (factor.to(weight.device, kind) for factor in kronecker_factors(self.parts))
        product = torch.kron(first.reshape(*first.shape, *(1 for _ in second.shape[2:])), second.contiguous())
        return self.scale * product.reshape(weight.shape)

    def join(self) -> tuple[torch.Tensor, torch.Tensor]:
        return kronecker_factors(self.parts)


def kronecker_factors(parts: Parts) -> tuple[torch.Tensor, torch.Tensor]:
    """w1 and w2 from the parts of a module; gradients go through."""
    first = parts["lokr_w1"] if "lokr_w1" in parts else parts["lokr_w1_a"] @ parts["lokr_w1_b"]
    if "lokr_w2" in parts:
        return first, parts["lokr_w2"]
    if "lokr_t2" in parts:
        return first, tucker(parts["lokr_t2"], parts["lokr_w2_a"], parts["lokr_w2_b"])
    return first, parts["lokr_w2_a"] @ parts["lokr_w2_b"]


def is_lokr(parts: Parts) -> bool:
    """Whether these are the parts of one whole module and nothing else."""
    has_first = "lokr_w1" in parts or {"lokr_w1_a", "lokr_w1_b"} <= parts.keys()
    has_second = "lokr_w2" in parts or {"lokr_w2_a", "lokr_w2_b"} <= parts.keys()
    return has_first and has_second and parts.keys() <= ROLES
