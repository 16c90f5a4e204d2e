"""A base that is only imagined: tensors with shapes and without memory, lent like a real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..checkpoints.hints import Hints
from ..families.base import FAMILIES
from ..families.blocks import UNET
from ..host.base import BaseInfo


@dataclass(frozen=True)
class BaseShapes:
    """What a base's header tells: {original name: shape}, and what is said beside it."""

    info: BaseInfo
    shapes: Mapping[str, Sequence[int]]
    hints: Hints


class ImaginedLoan:
    """The parts of a Loan that building a model asks for, every tensor made by `make(shape, dtype)`.

    Under FakeTensorMode, torch.empty makes none that take memory.
    """

    device = torch.device("cpu")

    def __init__(self, base: BaseShapes, dtype: torch.dtype, make: Callable[..., torch.Tensor] = torch.empty) -> None:
        self.info, self.dtype = base.info, dtype
        self._base, self._make = base, make
        self._family = FAMILIES.get(base.info.family)

    def unet(self) -> nn.Module:
        from ..twin.unet import build_unet

        hints = self._base.hints
        return build_unet(self._part(UNET), heads=hints.heads, head_channels=hints.head_channels)

    def text_encoders(self) -> list[nn.Module]:
        from ..twin.text import build_text_encoder

        encoders = []
        for index, part in enumerate(self._family.text_parts):
            hints = self._base.hints.of_text(index)
            encoders.append(
                build_text_encoder(
                    self._part(part.prefix), projected=part.projected, heads=hints.heads, activation=hints.activation
                )
            )
        return encoders

    def _part(self, prefix: str) -> dict[str, Any]:
        return {
            key[len(prefix) :]: self._make(tuple(shape), dtype=self.dtype)
            for key, shape in self._base.shapes.items()
            if key.startswith(prefix)
        }
