"""AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) whose averages take a byte for each weight, not four.

Blocks of numbers share a scale, as of Dettmers et al. 2022, arXiv:2110.02861; the steps of a byte are even in the
logarithm, so that small numbers are as exact as large ones: within 5 % over five powers of ten, of squares within 4 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F

BLOCK = 256
AVERAGE, SQUARES = "exp_avg", "exp_avg_sq"
DECADES = {AVERAGE: 5.0, SQUARES: 7.0}
"""How many powers of ten below a block's largest number are told apart."""
SCALE = "_scale"
GROUP = ("params", "name", "lr", "initial_lr", "betas", "eps", "weight_decay")
"""What groups of parameters have in common with AdamW's."""


class AdamWBytes(torch.optim.Optimizer):
    """Takes the usual arguments of torch's AdamW."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for p in (p for p in group["params"] if p.grad is not None):
                self._move(p, group)

    @classmethod
    @torch.no_grad()
    def going_on_from(cls, other: torch.optim.Optimizer) -> AdamWBytes:
        """One that has the parameters, the values and what can be kept of the state of a torch.optim.AdamW."""
        made = cls([{name: group[name] for name in GROUP if name in group} for group in other.param_groups])
        for p, state in ((p, state) for p, state in other.state.items() if state):
            made.state[p]["step"] = int(state["step"])
            for name in (AVERAGE, SQUARES):
                made._keep(p, name, state[name])
        return made

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's, which takes all numbers for such of the weights' format."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state.update({name: state[name].to(torch.uint8) for name in (AVERAGE, SQUARES) if name in state})

    def _move(self, p: torch.Tensor, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        average = self._kept(p, AVERAGE).lerp_(p.grad, 1 - beta1)
        squares = self._kept(p, SQUARES).mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
        step = self.state[p].get("step", 0) + 1
        self._keep(p, AVERAGE, average)
        self._keep(p, SQUARES, squares)
        self.state[p]["step"] = step
        denominator = squares.div_(1 - beta2**step).sqrt_().add_(group["eps"])
        p.mul_(1 - group["lr"] * group["weight_decay"])
        p.addcdiv_(average, denominator, value=-group["lr"] / (1 - beta1**step))

    def _kept(self, p: torch.Tensor, name: str) -> torch.Tensor:
        state = self.state[p]
        if name not in state:
            return torch.zeros_like(p, memory_format=torch.contiguous_format)
        return unpack(state[name], state[name + SCALE], DECADES[name], signed=name == AVERAGE)[: p.numel()].view(
            p.shape
        )

    def _keep(self, p: torch.Tensor, name: str, values: torch.Tensor) -> None:
        state = self.state[p]
        state[name], state[name + SCALE] = pack(values, DECADES[name], signed=name == AVERAGE)


def pack(values: torch.Tensor, decades: float, *, signed: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers as bytes (blocks, BLOCK) and a scale for each block (blocks, 1).

    Signed ones have their sign in the highest bit, and small ones become 0. Unsigned ones become no smaller than the
    least step: they are divided by.
    """
    flat = values.float().flatten()
    blocks = F.pad(flat, (0, -len(flat) % BLOCK)).view(-1, BLOCK)
    scale = blocks.abs().amax(1, keepdim=True)
    steps = 127 if signed else 255
    # From 1, a block's largest, down by `decades` to the first step; 0 is left for what is smaller.
    share = blocks.abs() / scale.clamp(min=torch.finfo(torch.float32).tiny)
    place = (share.log10() / decades + 1) * (steps - 1) + 1
    magnitude = place.clamp(min=0.0 if signed else 1.0, max=steps).round()
    packed = magnitude + 128 * (blocks < 0) if signed else magnitude
    return packed.to(torch.uint8), scale


def unpack(packed: torch.Tensor, scale: torch.Tensor, decades: float, *, signed: bool) -> torch.Tensor:
    """The numbers that `pack` made bytes of, in one row; where it filled up a block, there are more."""
    whole = packed.float()
    negative = whole >= 128 if signed else torch.zeros_like(whole, dtype=torch.bool)
    magnitude = whole - 128 * negative
    steps = 127 if signed else 255
    values = torch.exp(((magnitude - 1) / (steps - 1) - 1) * (decades * math.log(10))) * (magnitude > 0)
    return (values * (1 - 2 * negative.float()) * scale).flatten()
