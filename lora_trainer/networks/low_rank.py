"""The same low-rank change with another rank or another alpha."""

from __future__ import annotations

import torch

from ..files.lora import LoraModule
from ..lowrank import spectrum_of_product


def refit(module: LoraModule, rank: int, alpha: float, fresh_down: torch.Tensor) -> LoraModule:
    """A module of this rank and alpha with the function of `module`, fp32, on the device of `fresh_down`.

    Same rank and scale: the same numbers. A higher rank is filled with rows of `fresh_down` (rank, in[, kh, kw]) that
    zeros in `up` silence, so that they can learn; a lower one keeps the largest singular values.
    """
    shape, factor = module.weight_shape, module.scale / (alpha / rank)
    if rank < module.rank:
        up, down = (matrix.cpu() for matrix in module.matrices())
        module = spectrum_of_product(up, down).module(rank, shape)
    up, down = (matrix.to(fresh_down.device) for matrix in module.matrices())
    up = up * factor
    extra = rank - down.shape[0]
    if extra > 0:
        up = torch.cat([up, up.new_zeros(len(up), extra)], dim=1)
        down = torch.cat([down, fresh_down.detach().flatten(1)[-extra:]])
    return LoraModule(down.reshape(rank, *shape[1:]), up.reshape(len(up), rank, *(1 for _ in shape[2:])), alpha)
