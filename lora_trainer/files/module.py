"""What a LoRA file holds for one weight of the base, whatever network trained it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch

Parts = Mapping[str, torch.Tensor]
"""Tensors of a module by their roles, as `keys.take_apart` names them."""


class Module(ABC):
    """The change of one weight. `kind` is the name of the network type that trains such modules."""

    kind: ClassVar[str]
    tells_kernels: ClassVar[bool] = True
    """Whether a convolution can always be told from a linear layer by the shapes."""
    alpha: float

    @property
    @abstractmethod
    def rank(self) -> int:
        """The rank that alpha is divided by; 0 where there is none."""

    @property
    @abstractmethod
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weight that this changes: (out, in) or (out, in, kh, kw); (out, in * kh * kw) where the file
        does not tell them apart."""

    @abstractmethod
    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors under the names that files give them, alpha among them."""

    @abstractmethod
    def change(self, weight: torch.Tensor) -> torch.Tensor:
        """What is added to `weight` at strength 1, in its shape; fp32, or fp64 for a weight in fp64."""

    @abstractmethod
    def problem(self) -> str:
        """What is wrong with the shapes; empty when nothing is."""

    @property
    def idle(self) -> bool:
        """Whether it changes nothing, whatever the weight is."""
        return False


def stated_alpha(alpha: float) -> torch.Tensor:
    """Alpha as it stands in a file: a tensor without dimensions."""
    return torch.tensor(float(alpha))


def arithmetic(weight: torch.Tensor) -> torch.dtype:
    """The dtype to compute a weight's change in."""
    return torch.float64 if weight.dtype == torch.float64 else torch.float32


@dataclass
class PartsModule(Module):
    """A module of a type that keeps its tensors by their roles, which are their names in files too."""

    tells_kernels = False

    parts: Parts
    alpha: float

    @property
    def scale(self) -> float:
        """What the product of the parts is multiplied by."""
        return self.alpha / self.rank if self.rank else 1.0

    @property
    def idle(self) -> bool:
        return not self.scale

    def tensors(self) -> dict[str, torch.Tensor]:
        return {**self.parts, "alpha": stated_alpha(self.alpha)}

    @abstractmethod
    def join(self) -> object:
        """Put the parts together. Raises RuntimeError or IndexError where they do not fit."""

    def problem(self) -> str:
        try:
            self.join()
        except (RuntimeError, IndexError):
            return f"its matrices do not fit together: {self.shapes()}"
        return ""

    def shapes(self) -> str:
        """All parts with their shapes, for messages."""
        return ", ".join(f"{role} {tuple(tensor.shape)}" for role, tensor in self.parts.items())


def tucker(middle: torch.Tensor, outer: torch.Tensor, inner: torch.Tensor) -> torch.Tensor:
    """A kernel (out, in, kh, kw) from middle (r, s, kh, kw), outer (r, out) and inner (s, in)."""
    return torch.einsum("rshw,ro,si->oihw", middle, outer, inner)
