"""Layers whose trained tensors are the parts of a file's module, by their roles."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import nn

from ..errors import FileFormatError
from ..files.module import Module, PartsModule
from ..seeds import generator
from .base import Adapter, Plan
from .dropout import Dropout, DropoutClock

Shape = tuple[int, ...]


class PartsLayer(Adapter):
    """Its parts are all fp32. `form` says their shapes, unless the plan has a module of a file to be like."""

    kind: type[PartsModule]

    def __init__(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> None:
        super().__init__(base_layer, plan, clock, dropout)
        like = plan.like if isinstance(plan.like, PartsModule) else None
        shapes = {role: tuple(part.shape) for role, part in like.parts.items()} if like else self.form()
        device = base_layer.weight.device
        start = self.start(shapes)
        self._roles = tuple(start)
        for role, part in start.items():  # each alone: peft moves modules whose names have 'lora_'
            self.register_parameter(f"lora_{role}", nn.Parameter(part.to(device)))
        self.scale = self.module().scale

    @abstractmethod
    def form(self) -> dict[str, Shape]:
        """Shapes of a new layer's parts by role."""

    @abstractmethod
    def deviation(self, role: str, shape: Shape) -> float:
        """Of the normal numbers that a part begins with, where it is not zero."""

    def start(self, shapes: Mapping[str, Shape]) -> dict[str, torch.Tensor]:
        """What parts of these shapes begin with; their product is zero."""
        return {
            role: torch.zeros(shape) if role in self.from_zero else self._drawn(role, shape)
            for role, shape in shapes.items()
        }

    def _drawn(self, role: str, shape: Shape) -> torch.Tensor:
        """Normal numbers that depend on the seed, the module's name and the role alone."""
        draw = generator("cpu", self.clock.seed, "initial", self.plan.name, role)
        return torch.empty(shape).normal_(0.0, self.deviation(role, shape), generator=draw)

    @property
    def parts(self) -> dict[str, nn.Parameter]:
        return {role: self.get_parameter(f"lora_{role}") for role in self._roles}

    def trained(self) -> dict[str, nn.Parameter]:
        return self.parts

    def module(self) -> PartsModule:
        parts: dict[str, torch.Tensor] = {role: part.detach().clone() for role, part in self.parts.items()}
        return self.kind(parts, self.plan.alpha)

    @torch.no_grad()
    def start_from(self, module: Module) -> None:
        assert isinstance(module, PartsModule)
        mine, given = self.module(), module
        if {role: part.shape for role, part in mine.parts.items()} != {r: p.shape for r, p in given.parts.items()}:
            raise FileFormatError(
                f"'{self.plan.name}' has the parts {given.shapes()} in the file, and {mine.shapes()} here: "
                "set network.rank, network.conv_rank and network.arguments as they were for the file."
            )
        for role, part in self.parts.items():
            part.copy_(given.parts[role])
            if role in self.from_zero:
                part.mul_(given.scale / self.scale)

    @torch.no_grad()
    def limit_norm(self, most: float) -> None:
        """The product is linear in each of its parts, so that they share the factor equally."""
        factor = (most / (self.product_norm() * abs(self.scale)).clamp(min=most)) ** (1 / len(self._roles))
        for part in self.parts.values():
            part.mul_(factor)

    @abstractmethod
    def product_norm(self) -> torch.Tensor:
        """Norm of the parts' product, without the scale."""
