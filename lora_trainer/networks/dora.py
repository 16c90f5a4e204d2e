"""DoRA: a low-rank change of a weight's direction, and a trained length for each of its inputs.

Source: Liu et al. 2024, arXiv:2402.09353. Its lengths are those of the columns of W + B A, and dividing a column by its
length is the same as dividing what goes into it: so a layer is the base layer and the low-rank change beside it, both
on scaled inputs, and no changed weight is ever put together.
"""

from __future__ import annotations

import torch
from torch import nn

from ..config import TrainConfig
from ..files.dora import TINY, DoraModule
from ..files.metadata import lycoris_metadata
from ..files.module import Module
from ..twin.packing import keep_plain
from .base import NETWORKS, Adapter, NetworkType, Plan
from .dropout import Dropout, DropoutClock
from .lora import LoRAConv, LoRALayer, LoRALinear


class DoRALayer(LoRALayer):
    """What DoRA adds to a LoRA layer of either form.

    What is trained is how far the lengths are from the base's own, so that weight decay draws towards the base.
    """

    _squares: torch.Tensor
    """Squares of the lengths of the base's columns, (in,)."""

    def begin(self) -> None:
        """Start with the base's own lengths."""
        keep_plain(self.base_layer)
        weight = self.base_layer.weight.detach()
        self._squares = _by_input(weight.float().square().flatten(1).sum(0), weight.shape[1])
        self.lora_lengths = nn.Parameter(torch.zeros_like(self._squares))

    @property
    def factor(self) -> float:
        return self.scale  # strength is on the whole change

    def trained(self) -> dict[str, nn.Parameter]:
        return {**super().trained(), "dora_lengths": self.lora_lengths}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.silent:
            return self.base_layer(x)
        factors = self.factors().to(x.dtype)
        changed = super().forward(x * factors.reshape(-1, *(1 for _ in self.lora_down.shape[2:])))
        if self.strength == 1.0:
            return changed
        plain = self.base_layer(x)
        return plain + self.strength * (changed - plain)

    def factors(self) -> torch.Tensor:
        """What each input is multiplied by, (in,); exactly 1 before the first step."""
        with torch.no_grad():  # lengths count as constants on the way back, as the paper has it (section 4.3)
            lengths = self.lengths()
        return (self._own_lengths() + self.lora_lengths) / lengths

    def lengths(self) -> torch.Tensor:
        """Lengths of the columns of W + scale * up @ down, (in,), from products as thin as the rank."""
        down, up = self.lora_down.flatten(1), self.lora_up.flatten(1)
        weight = self.base_layer.weight.flatten(1)
        kind = weight.dtype if weight.dtype in (torch.float32, torch.bfloat16) or _is_half_on_card(weight) else up.dtype
        crossed = (up.t().to(kind) @ weight.to(kind)).to(up.dtype)
        # |w + s u|^2 = |w|^2 + s <2 w + s u, u> with u = up @ down, by column
        more = self.scale * (down * (2 * crossed + self.scale * (up.t() @ up) @ down)).sum(0)
        return (self._squares + _by_input(more, len(self._squares))).clamp(min=TINY**2).sqrt()

    def _own_lengths(self) -> torch.Tensor:
        return self._squares.clamp(min=TINY**2).sqrt()

    def module(self) -> Module:
        lengths = self._own_lengths() + self.lora_lengths.detach()
        return DoraModule(self.low_rank(), lengths.reshape(1, -1, *(1 for _ in self.lora_down.shape[2:])))

    @torch.no_grad()
    def start_from(self, module: Module) -> None:
        low_rank = module.low_rank if isinstance(module, DoraModule) else module
        super().start_from(low_rank)
        lengths = module.scale.flatten().to(self._squares) if isinstance(module, DoraModule) else self.lengths()
        self.lora_lengths.copy_(lengths - self._own_lengths())


class DoRALinear(DoRALayer, LoRALinear):
    """Beside a Linear."""

    def __init__(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> None:
        LoRALinear.__init__(self, base_layer, plan, clock, dropout)
        self.begin()


class DoRAConv(DoRALayer, LoRAConv):
    """Beside a convolution: a column is what belongs to one input channel."""

    def __init__(self, base_layer: nn.Conv2d, plan: Plan, clock: DropoutClock, dropout: Dropout) -> None:
        LoRAConv.__init__(self, base_layer, plan, clock, dropout)
        self.begin()


def _by_input(columns: torch.Tensor, inputs: int) -> torch.Tensor:
    """Sums over a kernel's places: (in * kh * kw,) to (in,)."""
    return columns.reshape(inputs, -1).sum(1)


def _is_half_on_card(weight: torch.Tensor) -> bool:
    return weight.dtype == torch.float16 and weight.device.type != "cpu"


class DoRA(NetworkType):
    """DoRA in linear layers and convolutions."""

    name = "dora"
    goes_on_from = ("dora", "lora")

    def adapter(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> Adapter:
        if isinstance(base_layer, nn.Conv2d):
            return DoRAConv(base_layer, plan, clock, dropout)
        return DoRALinear(base_layer, plan, clock, dropout)

    def metadata(self, config: TrainConfig) -> dict[str, str]:
        return lycoris_metadata(config, "lora", dora_wd=True, wd_on_output=False)


NETWORKS.add(DoRA.name, DoRA())
