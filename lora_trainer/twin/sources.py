"""How a tensor of one naming is had from another: the keys over there, and how to look at what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

Look = Callable[..., "Tensor"]


def same(tensor: Tensor) -> Tensor:
    """The very object that was given, so that a Parameter stays the Parameter it is."""
    return tensor


def transposed(matrix: Tensor) -> Tensor:
    return matrix.t()


def as_matrix(kernel: Tensor) -> Tensor:
    """A 1x1 kernel (out, in, 1, 1) seen as a matrix (out, in)."""
    return kernel if kernel.ndim == 2 else kernel.flatten(1)


def as_kernel(matrix: Tensor) -> Tensor:
    """A matrix (out, in) seen as a 1x1 kernel (out, in, 1, 1)."""
    return matrix if matrix.ndim == 4 else matrix[:, :, None, None]


def third(index: int) -> Look:
    """The first, second or last third of the rows: q, k or v of a packed projection, as a view."""
    return lambda packed: packed.chunk(3)[index]


def stacked(*parts: Tensor) -> Tensor:
    """Rows of all parts, one after the other: the packed projection of q, k and v. This is a copy."""
    return torch.cat(parts)


@dataclass(frozen=True)
class Source:
    """Where a tensor comes from. Every look but `stacked` is a view."""

    keys: tuple[str, ...]
    look: Look = same

    def read(self, tensors: Mapping[str, Tensor]) -> Tensor:
        return self.look(*(tensors[key] for key in self.keys))

    def shape(self, shapes: Mapping[str, Sequence[int]]) -> tuple[int, ...]:
        """The shape that `read` would give, without reading."""
        return tuple(self.look(*(torch.empty(tuple(shapes[key]), device="meta") for key in self.keys)).shape)


def renamed(key: str, modules: Mapping[str, str]) -> str | None:
    """`key` with its module (all but the last part) renamed by the table; None when the table lacks the module."""
    module, _, parameter = key.rpartition(".")
    return f"{modules[module]}.{parameter}" if module in modules else None


def reverse(modules: Mapping[str, str]) -> dict[str, str]:
    return {new: old for old, new in modules.items()}


def sources(keys: Iterable[str], modules: Mapping[str, str]) -> dict[str, Source]:
    """{key: Source(its name on the other side)}; keys whose module is not in the table are left out."""
    pairs = ((key, renamed(key, modules)) for key in keys)
    return {key: Source((other,)) for key, other in pairs if other is not None}


def shapes_of(tensors: Mapping[str, Tensor]) -> Mapping[str, Sequence[int]]:
    """Shapes by key; a mapping that reads lazily knows them beforehand as its `shapes`."""
    known: Mapping[str, Sequence[int]] | None = getattr(tensors, "shapes", None)
    return known if known is not None else {key: tuple(tensor.shape) for key, tensor in tensors.items()}
