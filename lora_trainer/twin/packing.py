"""Frozen bf16 layers with weights packed for the processor, both ways: for the output and for the input's gradient.

Without it oneDNN brings the weights into an order of its own at every call. torch packs weights for compiled models
only; the same operators are used here behind a trial, since they are not public: where they are missing or compute
something else, layers stay as they are. A layer that was used both ways has two packed copies and no plain one any
more, so packing is for a network that its owner needs for nothing else.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from .small_maps import SmallMapConv

LEAST_WEIGHTS = 1 << 14
"""Smaller layers gain nothing."""
NO_EXTRAS: tuple[str, list[Any], str] = ("none", [], "")
"""Arguments of the operators: nothing is fused with the layer."""


def pack(network: nn.Module) -> int:
    """Let the network's frozen bf16 layers on a CPU be packed when they are first used; returns how many can be."""
    layers = [layer for layer in network.modules() if _suits(layer)]
    if not layers or not operators_work():
        return 0
    for layer in layers:
        layer._plain_class = type(layer)
        layer.__class__ = PackedLinear if isinstance(layer, nn.Linear) else PackedConv
    return len(layers)


def keep_plain(layer: nn.Module) -> None:
    """Let a layer that `pack` has chosen stay as it is: somebody reads its weights.

    Raises RuntimeError when they are gone already.
    """
    if isinstance(layer, Packed):
        if layer._back is not None:
            raise RuntimeError("The layer's weights are packed and cannot be read any more.")
        layer._there = None
        layer.__class__ = layer._plain_class


def packable_bytes(network: nn.Module) -> int:
    """What the weights take that `pack` would hold twice."""
    weights: list[Any] = [layer.weight for layer in network.modules() if _suits(layer)]
    return sum(weight.numel() * weight.element_size() for weight in weights)


def _suits(layer: nn.Module) -> bool:
    if type(layer) not in (nn.Linear, nn.Conv2d, SmallMapConv):
        return False
    weight: Any = layer.weight
    mine = weight.dtype == torch.bfloat16 and weight.device.type == "cpu" and not weight.requires_grad
    if not mine or weight.numel() < LEAST_WEIGHTS:
        return False
    return isinstance(layer, nn.Linear) or (layer.groups == 1 and not isinstance(layer.padding, str))


class Packed(nn.Module):
    """What packed layers have in common. `weight` keeps its shape, dtype and device, but not always its values."""

    weight: nn.Parameter
    bias: nn.Parameter | None
    _plain_class: type[nn.Module]
    _there: Tensor | None = None
    _back: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = _BothWays.apply(x, self)
        return out

    def there(self, x: Tensor) -> Tensor:
        """The layer's output for input `x`."""
        if self._there is None:
            self._there = self.packed_for(x)
        return self.run(x, self._there)

    def prepare_back(self, out: Tensor, x_shape: torch.Size) -> None:
        """Make the way back ready once it is wanted: no more than one layer at a time has three copies."""
        if self._back is None:
            self._back = self.packed_for_back(out, x_shape)
            self._forget_plain()

    def back(self, gradient: Tensor, x_shape: torch.Size) -> Tensor:
        """The gradient for an input of shape `x_shape` from the output's."""
        assert self._back is not None
        return self.run_back(gradient, self._back, x_shape)

    def _forget_plain(self) -> None:
        """Free the plain weights. One NaN stands for all of them, so that nobody reads them unnoticed."""
        nothing = self.weight.new_full((1,) * self.weight.dim(), float("nan"))
        self.weight = nn.Parameter(nothing.expand(self.weight.shape), requires_grad=False)

    def packed_for(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def packed_for_back(self, out: Tensor, x_shape: torch.Size) -> Tensor:
        raise NotImplementedError

    def run(self, x: Tensor, packed: Tensor) -> Tensor:
        raise NotImplementedError

    def run_back(self, gradient: Tensor, packed: Tensor, x_shape: torch.Size) -> Tensor:
        raise NotImplementedError


class _BothWays(torch.autograd.Function):
    """A frozen layer: its input gets a gradient, its weights none, so nothing is kept for the way back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, layer: Packed) -> Tensor:
        ctx.layer, ctx.x_shape = layer, x.shape
        out = layer.there(x)
        if ctx.needs_input_grad[0]:
            layer.prepare_back(out, x.shape)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return ctx.layer.back(gradient, ctx.x_shape), None


class PackedLinear(Packed, nn.Linear):
    """A Linear; the way back is the one of the transposed matrix."""

    def packed_for(self, x: Tensor) -> Tensor:
        return _ops()._reorder_linear_weight(self.weight.detach(), x[..., 0].numel())

    def packed_for_back(self, out: Tensor, x_shape: torch.Size) -> Tensor:
        return _ops()._reorder_linear_weight(self.weight.detach().t().contiguous(), out[..., 0].numel())

    def run(self, x: Tensor, packed: Tensor) -> Tensor:
        return _ops()._linear_pointwise(x, packed, self.bias, *NO_EXTRAS)

    def run_back(self, gradient: Tensor, packed: Tensor, x_shape: torch.Size) -> Tensor:
        return _ops()._linear_pointwise(gradient, packed, None, *NO_EXTRAS)


class PackedConv(Packed, nn.Conv2d):
    """A Conv2d; the way back is a transposed convolution."""

    def _geometry(self) -> tuple[list[int], list[int], list[int]]:
        return list(self.padding), list(self.stride), list(self.dilation)

    def _output_padding(self, x_shape: torch.Size) -> list[int]:
        """Rows and columns of the input that the strides do not reach."""
        return [
            (x_shape[2 + i] + 2 * self.padding[i] - self.dilation[i] * (self.kernel_size[i] - 1) - 1) % self.stride[i]
            for i in (0, 1)
        ]

    def packed_for(self, x: Tensor) -> Tensor:
        return _ops()._reorder_convolution_weight(self.weight.detach(), *self._geometry(), 1, list(x.shape))

    def packed_for_back(self, out: Tensor, x_shape: torch.Size) -> Tensor:
        padding, stride, dilation = self._geometry()
        return _ops()._reorder_convolution_transpose_weight(
            self.weight.detach(), padding, self._output_padding(x_shape), stride, dilation, 1, list(out.shape)
        )

    def run(self, x: Tensor, packed: Tensor) -> Tensor:
        return _ops()._convolution_pointwise(x, packed, self.bias, *self._geometry(), 1, *NO_EXTRAS)

    def run_back(self, gradient: Tensor, packed: Tensor, x_shape: torch.Size) -> Tensor:
        padding, stride, dilation = self._geometry()
        return _ops()._convolution_transpose_pointwise(
            gradient, packed, None, padding, self._output_padding(x_shape), stride, dilation, 1, *NO_EXTRAS
        )


def _ops() -> Any:
    return torch.ops.mkldnn


@lru_cache(maxsize=1)
def operators_work() -> bool:
    """Whether torch has the operators, and they give on small layers what the plain ones give."""
    draw = torch.Generator().manual_seed(0)
    layers = (
        (nn.Linear(48, 32, dtype=torch.bfloat16), (2, 7, 48)),
        (nn.Conv2d(32, 48, 3, stride=2, padding=1, dtype=torch.bfloat16), (2, 32, 8, 6)),
    )
    try:
        return all(_agrees(layer, torch.randn(shape, generator=draw).bfloat16()) for layer, shape in layers)
    except (AttributeError, RuntimeError, TypeError):
        return False


def _agrees(layer: nn.Module, x: Tensor) -> bool:
    layer.requires_grad_(False)
    before = _output_and_gradient(layer, x)
    layer.__class__ = PackedLinear if isinstance(layer, nn.Linear) else PackedConv
    return all(
        torch.allclose(packed.float(), plain.float(), rtol=0.02, atol=0.02)
        for packed, plain in zip(_output_and_gradient(layer, x), before)
    )


def _output_and_gradient(layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        given = x.clone().requires_grad_(True)
        out = layer(given)
        (gradient,) = torch.autograd.grad(out, given, torch.ones_like(out))
    return out.detach(), gradient
