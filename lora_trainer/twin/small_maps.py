"""Convolutions of a frozen network over small maps, as one product of matrices.

oneDNN brings a convolution's weights into an order of its own at every call, forward and backward. Deep in a U-Net,
where 1,280 channels meet a handful of places, that takes several times as long as the convolution itself. As a product
of matrices (im2col, Chellapilla et al. 2006) the weights are used as they lie: nothing is copied, and it holds for
weights that are only lent.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

WORTH_IT = 5
"""Output channels for each place of the map from which on the product is faster (measured with AVX-512, fp32)."""
LEAST_WEIGHTS = 1_000_000
"""Smaller kernels stay in the processor's cache."""


class SmallMapConv(nn.Conv2d):
    """A Conv2d that takes the product of matrices where it is faster: on a CPU, in fp32, frozen, over few places."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self._small(x):
            return super().forward(x)
        out: torch.Tensor = _Product.apply(x, self.weight, self.bias, self.stride, self.padding)
        return out

    def _small(self, x: torch.Tensor) -> bool:
        if x.device.type != "cpu" or not x.dtype == self.weight.dtype == torch.float32 or self.weight.requires_grad:
            return False
        height, width = _out_size(x, self.weight, self.stride, self.padding)
        return self.out_channels >= WORTH_IT * len(x) * height * width


class _Product(torch.autograd.Function):
    """weight (out, in * kh * kw) @ columns (in * kh * kw, n * places); gradients for the input alone."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: Any, stride: Any, padding: Any) -> torch.Tensor:
        ctx.weight, ctx.geometry, ctx.size = weight, {"stride": stride, "padding": padding}, x.shape
        columns = F.unfold(x, weight.shape[2:], **ctx.geometry)
        out = weight.flatten(1) @ columns.transpose(0, 1).flatten(1)
        if bias is not None:
            out += bias[:, None]
        height, width = _out_size(x, weight, stride, padding)
        return out.unflatten(1, (len(x), height, width)).transpose(0, 1).contiguous()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> Any:
        rows = gradient.transpose(0, 1).flatten(1)
        columns = (ctx.weight.flatten(1).t() @ rows).unflatten(1, (len(gradient), -1)).transpose(0, 1)
        folded = F.fold(columns, ctx.size[2:], ctx.weight.shape[2:], **ctx.geometry)
        return folded, None, None, None, None


def use_products(network: nn.Module) -> nn.Module:
    """Let the network's large convolutions choose the product where it is faster; their weights stay what they are."""
    for layer in network.modules():
        if type(layer) is nn.Conv2d and _plain(layer):
            layer.__class__ = SmallMapConv
    return network


def _plain(layer: nn.Conv2d) -> bool:
    """Large, without groups, dilation, or paddings that have names; 1x1 kernels are products already."""
    large = layer.weight.numel() >= LEAST_WEIGHTS and layer.kernel_size != (1, 1)
    zeros = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return large and zeros and layer.groups == 1 and layer.dilation == (1, 1)


def _out_size(x: torch.Tensor, weight: torch.Tensor, stride: Any, padding: Any) -> tuple[int, int]:
    height, width = ((x.shape[2 + i] + 2 * padding[i] - weight.shape[2 + i]) // stride[i] + 1 for i in (0, 1))
    return height, width
