"""Filling a twin again after the network that it shares its tensors with was exchanged or moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import nn

from .adopt import fallback_for_float8, placed
from .sources import Source

if TYPE_CHECKING:
    from torch import Tensor


class Places:
    """Where a twin keeps what it adopted. Made before adapters go in, it finds the places whatever wraps them later."""

    def __init__(self, twin: nn.Module, sources: Mapping[str, Source]) -> None:
        self._sources = dict(sources)
        self._places = {key: _place(twin, key) for key in sources}

    def refill(
        self, tensors: Mapping[str, Tensor], *, dtype: torch.dtype | None = None, device: torch.device | None = None
    ) -> None:
        """Adopt `tensors` as `adopt` does, in the same modules. They must be of the same layout."""
        dtype = dtype or fallback_for_float8(tensors, self._sources)
        for key, (module, leaf) in self._places.items():
            tensor = placed(self._sources[key].read(tensors), dtype, device)
            module._parameters[leaf] = _frozen(tensor)


def _place(twin: nn.Module, key: str) -> tuple[nn.Module, str]:
    path, _, leaf = key.rpartition(".")
    return twin.get_submodule(path), leaf


def _frozen(tensor: Tensor) -> nn.Parameter:
    if isinstance(tensor, nn.Parameter):
        return tensor.requires_grad_(False)
    return nn.Parameter(tensor.detach(), requires_grad=False)
