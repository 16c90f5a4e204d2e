"""The same low-rank change with another rank or another alpha."""

from __future__ import annotations

import torch

from ..files.lora import LoraModule


def refit(module: LoraModule, rank: int, alpha: float, fresh_down: torch.Tensor) -> LoraModule:
    """A module of this rank and alpha with the function of `module`, fp32, on the device of `fresh_down`.

    Same rank and scale: the same numbers. A higher rank is filled with rows of `fresh_down` (rank, in[, kh, kw]) that
    zeros in `up` silence, so that they can learn; a lower one keeps the largest singular values.
    """
    shape = module.weight_shape
    up, down = (matrix.to(fresh_down.device) for matrix in module.matrices())
    if rank < module.rank:
        up, down = _truncated(up, down, rank)
    up = up * (module.scale / (alpha / rank))
    extra = rank - down.shape[0]
    if extra > 0:
        up = torch.cat([up, up.new_zeros(len(up), extra)], dim=1)
        down = torch.cat([down, fresh_down.detach().flatten(1)[-extra:]])
    return LoraModule(down.reshape(rank, *shape[1:]), up.reshape(len(up), rank, *(1 for _ in shape[2:])), alpha)


def _truncated(up: torch.Tensor, down: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The best approximation of up @ down by a lower rank (Eckart & Young 1936), shared equally by both matrices."""
    up_basis, up_core = torch.linalg.qr(up.double().cpu())
    down_basis, down_core = torch.linalg.qr(down.double().cpu().T)
    left, values, right = torch.linalg.svd(up_core @ down_core.T)
    root = values[:rank].sqrt()
    short_up = up_basis @ left[:, :rank] * root
    short_down = root[:, None] * (right[:rank] @ down_basis.T)
    return short_up.to(up), short_down.to(down)
