"""LoHa modules: the change of a weight is two low-rank matrices multiplied number by number."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .module import Parts, PartsModule, arithmetic, tucker

NEEDED = frozenset(f"hada_{role}" for role in ("w1_a", "w1_b", "w2_a", "w2_b"))
ROLES = NEEDED | {"hada_t1", "hada_t2"}


@dataclass
class LohaModule(PartsModule):
    """scale * (w1_a @ w1_b) * (w2_a @ w2_b), each a (out, r) and b (r, in * kh * kw); the scale is alpha / r.

    In Tucker's form a is (r, out), b (r, in), and a t (r, r, kh, kw) lies between them.
    """

    kind = "loha"

    @property
    def rank(self) -> int:
        return self.parts["hada_w1_b"].shape[0]

    @property
    def weight_shape(self) -> tuple[int, ...]:
        outputs, inputs = self.parts["hada_w1_a"], self.parts["hada_w1_b"].shape[1]
        if "hada_t1" in self.parts:
            return (outputs.shape[1], inputs, *self.parts["hada_t1"].shape[2:])
        return (outputs.shape[0], inputs)

    def change(self, weight: torch.Tensor) -> torch.Tensor:
        parts = {role: tensor.to(weight.device, arithmetic(weight)) for role, tensor in self.parts.items()}
        return self.scale * hadamard_product(parts).reshape(weight.shape)

    def join(self) -> torch.Tensor:
        return hadamard_product(self.parts)


def hadamard_product(parts: Parts) -> torch.Tensor:
    """The change without its scale, (out, in * kh * kw) or (out, in, kh, kw); gradients go through."""
    return _matrix(parts, 1) * _matrix(parts, 2)


def _matrix(parts: Parts, number: int) -> torch.Tensor:
    outer, inner = parts[f"hada_w{number}_a"], parts[f"hada_w{number}_b"]
    middle = parts.get(f"hada_t{number}")
    return outer @ inner if middle is None else tucker(middle, outer, inner)


def is_loha(parts: Parts) -> bool:
    """Whether these are the parts of one whole module and nothing else."""
    return parts.keys() >= NEEDED and parts.keys() <= ROLES
