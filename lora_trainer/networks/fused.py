"""A frozen linear layer and the low-rank change beside it, as one operation of autograd.

Apart they are eleven nodes of a graph, a copy of the output and a sum of the input's size on the way back; with thin
matrices that costs more than their arithmetic.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def fuses(layer: nn.Module, x: Tensor) -> bool:
    """Whether `layer` is a plain frozen Linear in the dtype of `x`, which nobody listens to, outside of autocast."""
    return (
        type(layer) is nn.Linear
        and x.dtype == layer.weight.dtype
        and not layer.weight.requires_grad
        and not torch._C._is_any_autocast_enabled()  # its public forms differ from torch to torch
        and not (layer._forward_hooks or layer._forward_pre_hooks or layer._backward_hooks)
    )


def fused_linear(x: Tensor, layer: nn.Linear, down: Tensor, up: Tensor, scale: float) -> Tensor:
    """`layer(x) + scale * (x @ down.T) @ up.T` for x (..., in), down (rank, in), up (out, rank) of one dtype."""
    out: Tensor = _Fused.apply(x, down, up, layer.weight, layer.bias, scale)
    return out


class _Fused(torch.autograd.Function):
    """Gradients for x, down and up; the layer's own weights get none."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, down: Tensor, up: Tensor, weight: Tensor, bias: Any, scale: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        hidden = rows @ down.t()
        out = F.linear(rows, weight, bias).addmm_(hidden, up.t(), alpha=scale)
        ctx.save_for_backward(rows, hidden, down, up)
        ctx.weight, ctx.scale = weight, scale
        return out.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        rows, hidden, down, up = ctx.saved_tensors
        found = gradient.reshape(-1, gradient.shape[-1])
        inner = (found @ up).mul_(ctx.scale)
        for_up = (found.t() @ hidden).mul_(ctx.scale) if ctx.needs_input_grad[2] else None
        for_down = inner.t() @ rows if ctx.needs_input_grad[1] else None
        if not ctx.needs_input_grad[0]:
            return None, for_down, for_up, None, None, None
        for_x = (found @ ctx.weight).addmm_(inner, down)
        return for_x.view(*gradient.shape[:-1], -1), for_down, for_up, None, None, None
