"""Which kind of module a file's tensors make up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from .dora import DoraModule
from .loha import LohaModule, is_loha
from .lokr import LokrModule, is_lokr
from .lora import LoraModule
from .module import Module, Parts

AlphaOf = Callable[[int], float]
"""Alpha as the file states it, given the rank."""


def module_of(parts: Parts, alpha_of: AlphaOf) -> Module | None:
    """The module that `parts` are, by role; None for kinds that are not known here, or only in part."""
    for make in (_lora, _dora, _lokr, _loha):
        if module := make(parts, alpha_of):
            return module
    return None


def _lora(parts: Parts, alpha_of: AlphaOf) -> LoraModule | None:
    if not {"down", "up"} <= parts.keys() <= {"down", "up", "mid", "alpha"}:
        return None
    return LoraModule(parts["down"], parts["up"], alpha_of(parts["down"].shape[0]), parts.get("mid"))


def _dora(parts: Parts, alpha_of: AlphaOf) -> DoraModule | None:
    """Lengths by output, as newer versions of LyCORIS write them, are another kind: A1111 misreads them."""
    if not {"down", "up", "dora_scale"} <= parts.keys() <= {"down", "up", "alpha", "dora_scale"}:
        return None
    scale, down = parts["dora_scale"], parts["down"]
    if scale.dim() < 2 or down.dim() < 2 or tuple(scale.shape[:2]) != (1, down.shape[1]):
        return None
    return DoraModule(LoraModule(down, parts["up"], alpha_of(down.shape[0])), scale)


def _without_alpha(parts: Parts) -> dict[str, torch.Tensor]:
    return {role: part for role, part in parts.items() if role != "alpha"}


def _lokr(parts: Parts, alpha_of: AlphaOf) -> LokrModule | None:
    own = _without_alpha(parts)
    if not is_lokr(own):
        return None
    module = LokrModule(own, 1.0)
    return replace(module, alpha=alpha_of(module.rank or 1))


def _loha(parts: Parts, alpha_of: AlphaOf) -> LohaModule | None:
    own = _without_alpha(parts)
    return LohaModule(own, alpha_of(own["hada_w1_b"].shape[0])) if is_loha(own) else None
