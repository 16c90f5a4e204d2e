"""LoRA: a low-rank change beside a frozen layer (Hu et al. 2021, arXiv:2106.09685), and LoCon for convolutions."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from ..files.lora import LoraModule
from ..files.module import Module
from ..seeds import generator
from .base import NETWORKS, Adapter, NetworkType, Plan
from .dropout import Dropout, DropoutClock
from .fused import fused_linear, fuses
from .low_rank import refit


class LoRALayer(Adapter):
    """`down` to the rank and `up` again, both fp32; computed in the dtype that the base layer's output has."""

    from_zero = ("lora_up.weight",)

    def __init__(
        self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout, shapes: list[tuple[int, ...]]
    ) -> None:
        super().__init__(base_layer, plan, clock, dropout)
        device = base_layer.weight.device
        self.lora_down = nn.Parameter(_initial_down(shapes[0], clock.seed, plan.name).to(device))
        self.lora_up = nn.Parameter(torch.zeros(shapes[1], device=device))
        self.scale = plan.alpha / plan.rank

    @property
    def factor(self) -> float:
        """On the product of the matrices."""
        return self.scale * self.strength

    def trained(self) -> dict[str, nn.Parameter]:
        return {"lora_down.weight": self.lora_down, "lora_up.weight": self.lora_up}

    def module(self) -> Module:
        return self.low_rank()

    def low_rank(self) -> LoraModule:
        """A copy of both matrices."""
        return LoraModule(self.lora_down.detach().clone(), self.lora_up.detach().clone(), self.plan.alpha)

    @torch.no_grad()
    def start_from(self, module: Module) -> None:
        assert isinstance(module, LoraModule)
        fitted = refit(module, self.plan.rank, self.plan.alpha, self.lora_down)
        self.lora_down.copy_(fitted.down.reshape(self.lora_down.shape))
        self.lora_up.copy_(fitted.up.reshape(self.lora_up.shape))

    @torch.no_grad()
    def limit_norm(self, most: float) -> None:
        """Max-norm of scale * up @ down, shared equally by both matrices, as kohya's scale_weight_norms."""
        down, up = self.lora_down.flatten(1), self.lora_up.flatten(1)
        # |up @ down|^2 = <up^T up, down down^T>: rank x rank matrices, never one of the weight's size.
        norm = ((up.T @ up) * (down @ down.T)).sum().clamp(min=0).sqrt() * self.scale
        factor = (most / norm.clamp(min=most)).sqrt()
        self.lora_down.mul_(factor)
        self.lora_up.mul_(factor)

    def _kept_ranks(self, hidden: torch.Tensor, dimension: int) -> torch.Tensor:
        """Each sample keeps the same ranks at all of its places; ranks lie in `dimension` of `hidden`."""
        share = self.dropout.ranks
        if not share:
            return hidden
        shape = [1] * hidden.dim()
        shape[0], shape[dimension] = hidden.shape[0], hidden.shape[dimension]
        return hidden * self.clock.mask(self.plan.name, "rank dropout", tuple(shape), share, hidden)


class LoRALinear(LoRALayer):
    """Beside a Linear: down (rank, in), up (out, rank)."""

    def __init__(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> None:
        inputs, outputs = int(base_layer.in_features), int(base_layer.out_features)
        super().__init__(base_layer, plan, clock, dropout, [(plan.rank, inputs), (outputs, plan.rank)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.dropping or not self.strength or not fuses(self.base_layer, x):
            return super().forward(x)
        down, up = self.lora_down.to(x.dtype), self.lora_up.to(x.dtype)
        return fused_linear(x, self.base_layer, down, up, self.factor)

    def add(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        x = self.kept_inputs(x.to(out.dtype))
        hidden = F.linear(x, self.lora_down.to(out.dtype))
        if self.dropping:
            hidden = self._kept_ranks(hidden, -1)
        # One kernel multiplies, scales and adds; nothing of the output's size is kept for the way back.
        up, rows = self.lora_up.to(out.dtype).t(), (-1, out.shape[-1])
        summed = torch.addmm(out.reshape(rows), hidden.flatten(0, -2), up, alpha=self.factor)
        return summed.view(out.shape)


class LoRAConv(LoRALayer):
    """Beside a convolution: down (rank, in, kh, kw) with its stride, up (out, rank, 1, 1)."""

    def __init__(self, base_layer: nn.Conv2d, plan: Plan, clock: DropoutClock, dropout: Dropout) -> None:
        kernel = (plan.rank, base_layer.in_channels, *base_layer.kernel_size)
        super().__init__(base_layer, plan, clock, dropout, [kernel, (base_layer.out_channels, plan.rank, 1, 1)])
        self.geometry = (base_layer.stride, base_layer.padding, base_layer.dilation)
        self.pointwise = tuple(base_layer.kernel_size) == tuple(base_layer.stride) == (1, 1)

    def add(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        x = self.kept_inputs(x.to(out.dtype))
        if self.pointwise and x.is_contiguous():
            return self._add_products(out, x)
        if self.pointwise and x.is_contiguous(memory_format=torch.channels_last):
            return self._add_rows(out, x)
        hidden = F.conv2d(x, self.lora_down.to(out.dtype), None, *self.geometry)
        if self.dropping:
            hidden = self._kept_ranks(hidden, 1)
        up = (self.lora_up * self.factor).to(out.dtype)
        return out + F.conv2d(hidden, up)

    def _add_products(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """A 1x1 convolution as products of matrices: with so few channels oneDNN's own is slower, thrice so in bf16."""
        down, up = (matrix.flatten(1).to(out.dtype).expand(len(x), -1, -1) for matrix in (self.lora_down, self.lora_up))
        hidden = torch.bmm(down, x.flatten(2))
        if self.dropping:
            hidden = self._kept_ranks(hidden, 1)
        return torch.baddbmm(out.flatten(2), up, hidden, alpha=self.factor).view(out.shape)

    def _add_rows(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The same where the channels of a place lie side by side: a linear layer, place by place."""
        rows = out.movedim(1, -1).reshape(-1, out.shape[1])
        hidden = F.linear(x.movedim(1, -1), self.lora_down.flatten(1).to(out.dtype))
        if self.dropping:
            hidden = self._kept_ranks(hidden, -1)
        up = self.lora_up.flatten(1).to(out.dtype).t()
        summed = torch.addmm(rows, hidden.flatten(0, -2), up, alpha=self.factor)
        return summed.view(len(out), *out.shape[2:], -1).movedim(-1, 1)


def _initial_down(shape: tuple[int, ...], seed: int, name: str) -> torch.Tensor:
    """Kaiming-uniform with a = sqrt(5), the usual start of a linear layer: uniform within 1 / sqrt(inputs).

    Drawn on the CPU, so that a seed means the same on every device.
    """
    bound = math.prod(shape[1:]) ** -0.5
    return torch.empty(shape).uniform_(-bound, bound, generator=generator("cpu", seed, "initial", name))


class LoRA(NetworkType):
    """LoRA in linear layers and 1x1 convolutions, LoCon in the others."""

    name = "lora"
    goes_on_from = ("lora",)

    def adapter(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> Adapter:
        if isinstance(base_layer, nn.Conv2d):
            return LoRAConv(base_layer, plan, clock, dropout)
        return LoRALinear(base_layer, plan, clock, dropout)


NETWORKS.add(LoRA.name, LoRA())
