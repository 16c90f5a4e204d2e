"""LoKr: the change of a weight is a Kronecker product, so that few numbers reach all of it.

Source: Yeh et al. 2023, arXiv:2309.14859 (LyCORIS). The product is never put together: (w1 ⊗ w2) x is w2 on each of the
pieces that x falls into, and w1 across them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..config import TrainConfig
from ..files.lokr import LokrModule, kronecker_factors
from ..files.metadata import lycoris_metadata
from .base import NETWORKS, Adapter, NetworkType, Plan
from .dropout import Dropout, DropoutClock
from .parts import PartsLayer, Shape

BALANCED = -1
"""A `factor` that makes both matrices as near to one size as they can be, which takes the fewest numbers."""


class LoKrLayer(PartsLayer):
    """w1 (l, m) is whole; w2 is too where the rank is not below half of its larger side."""

    kind = LokrModule
    from_zero = ("lokr_w2", "lokr_w2_b")

    def form(self) -> dict[str, Shape]:
        outputs, inputs, *kernel = self.base_layer.weight.shape
        factor, rank = int(self.plan.arguments.get("factor", BALANCED)), self.plan.rank
        (rows, high), (columns, wide) = split(outputs, factor), split(inputs, factor)
        if self.plan.arguments.get("full") or rank >= max(high, wide) / 2:
            return {"lokr_w1": (rows, columns), "lokr_w2": (high, wide, *kernel)}
        inner = wide * math.prod(kernel)
        return {"lokr_w1": (rows, columns), "lokr_w2_a": (high, rank), "lokr_w2_b": (rank, inner)}

    def deviation(self, role: str, shape: Shape) -> float:
        return float((3 * math.prod(shape[1:])) ** -0.5)

    def add(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        first, second = kronecker_factors(self.parts)
        first, second = (first * (self.scale * self.strength)).to(out.dtype), second.to(out.dtype)
        x = self.kept_inputs(x.to(out.dtype))
        layer: Any = self.base_layer
        if isinstance(layer, nn.Conv2d):
            return out + self._convolved(x, first, second.reshape(len(second), -1, *layer.kernel_size))
        pieces = F.linear(x.unflatten(-1, (first.shape[1], -1)), second.flatten(1))
        return out + F.linear(pieces.transpose(-1, -2), first).transpose(-1, -2).flatten(-2)

    def _convolved(self, x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """w2 (k, n, kh, kw) on each of the m pieces of the channels of x, then w1 (l, m) across them."""
        layer: Any = self.base_layer
        pieces = x.unflatten(1, (first.shape[1], -1)).flatten(0, 1)
        pieces = F.conv2d(pieces, second, None, layer.stride, layer.padding, layer.dilation)
        joined = first @ pieces.reshape(len(x), first.shape[1], -1)
        return joined.reshape(len(x), -1, *pieces.shape[2:])

    def product_norm(self) -> torch.Tensor:
        first, second = kronecker_factors(self.parts)
        return first.norm() * second.norm()


def split(size: int, factor: int) -> tuple[int, int]:
    """Two numbers whose product is `size`, the smaller first: the largest not above `factor`, if that is set."""
    most = math.isqrt(size) if factor == BALANCED else min(factor, math.isqrt(size))
    smaller = next(number for number in range(most, 0, -1) if size % number == 0)
    return smaller, size // smaller


class LoKr(NetworkType):
    """LoKr in linear layers and convolutions. Options: `factor` (the size of w1, -1: balanced) and `full` (no rank)."""

    name = "lokr"
    goes_on_from = ("lokr",)
    without = ("network.rank_dropout",)

    def problems(self, arguments: Mapping[str, Any]) -> list[str]:
        options = dict(arguments)
        factor, full = options.pop("factor", BALANCED), options.pop("full", False)
        found = super().problems(options)
        if isinstance(factor, bool) or not isinstance(factor, int) or not (factor == BALANCED or factor >= 2):
            found.append(f"network.arguments: factor must be {BALANCED} (balanced) or at least 2, not {factor}.")
        if not isinstance(full, bool):
            found.append(f"network.arguments: full must be true or false, not {full}.")
        return found

    def adapter(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> Adapter:
        return LoKrLayer(base_layer, plan, clock, dropout)

    def metadata(self, config: TrainConfig) -> dict[str, str]:
        arguments = config.network.arguments
        whole = {"full_matrix": True} if arguments.get("full") else {}
        return lycoris_metadata(config, "lokr", factor=arguments.get("factor", BALANCED), **whole)


NETWORKS.add(LoKr.name, LoKr())
