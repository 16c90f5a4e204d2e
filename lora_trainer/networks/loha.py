"""LoHa: the change of a weight is the product, number by number, of two low-rank matrices; its rank is up to r * r.

Source: Hyeon-Woo et al. 2021, arXiv:2108.06098 (FedPara), begun as in LyCORIS.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..config import TrainConfig
from ..files.loha import LohaModule, hadamard_product
from ..files.metadata import lycoris_metadata
from .base import NETWORKS, Adapter, NetworkType, Plan
from .dropout import Dropout, DropoutClock
from .parts import PartsLayer, Shape

DEVIATIONS = {"hada_w1_a": 0.1, "hada_w1_b": 1.0, "hada_w2_b": 1.0}
"""Of the normal numbers that the parts begin with, where they are not zero."""


class LoHaLayer(PartsLayer):
    """The change has the weight's size. It is put together anew for each pass: none is kept for the way back."""

    kind = LohaModule
    from_zero = ("hada_w2_a",)

    def form(self) -> dict[str, Shape]:
        outputs, *inputs = self.base_layer.weight.shape
        rank, inner = self.plan.rank, int(torch.Size(inputs).numel())
        return {f"hada_w{n}_{side}": (outputs, rank) if side == "a" else (rank, inner) for n in (1, 2) for side in "ab"}

    def deviation(self, role: str, shape: Shape) -> float:
        return DEVIATIONS.get(role, 1.0)

    def add(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        x = self.kept_inputs(x.to(out.dtype))
        if not torch.is_grad_enabled():
            return out + self._changed(x)
        change: torch.Tensor = checkpoint(self._changed, x, use_reentrant=False, preserve_rng_state=False)
        return out + change

    def _changed(self, x: torch.Tensor) -> torch.Tensor:
        layer: Any = self.base_layer
        weight = (hadamard_product(self.parts) * (self.scale * self.strength)).to(x.dtype).reshape(layer.weight.shape)
        if isinstance(layer, nn.Conv2d):
            return F.conv2d(x, weight, None, layer.stride, layer.padding, layer.dilation)
        return F.linear(x, weight)

    def product_norm(self) -> torch.Tensor:
        return hadamard_product(self.parts).norm()


class LoHa(NetworkType):
    """LoHa in linear layers and convolutions."""

    name = "loha"
    goes_on_from = ("loha",)
    without = ("network.rank_dropout",)

    def adapter(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> Adapter:
        return LoHaLayer(base_layer, plan, clock, dropout)

    def metadata(self, config: TrainConfig) -> dict[str, str]:
        return lycoris_metadata(config, "loha")


NETWORKS.add(LoHa.name, LoHa())
