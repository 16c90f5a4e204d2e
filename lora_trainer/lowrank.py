"""Low-rank algebra of weight changes, in float64: singular values without forming large matrices, and where to cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from .errors import UserError
from .files.lora import LoraModule

NEGLIGIBLE = 1e-6
Keep = Literal["energy", "frobenius", "cumulative", "ratio"]


@dataclass(frozen=True)
class RankRule:
    """How much of a spectrum is kept: at most `rank` values, and of those what `keep` asks for.

    'energy': the least number whose squares sum to at least `amount` of all squares. 'frobenius': the same for the
    root of those sums, the norm of the change (kohya's sv_fro). 'cumulative': for the plain sum (kohya's
    sv_cumulative). 'ratio': all values of at least the largest divided by `amount` (kohya's sv_ratio).
    """

    rank: int | None = None
    keep: Keep | None = None
    amount: float = 0.0

    def check(self) -> None:
        """Raise UserError when the rule says nothing or something impossible."""
        if self.rank is None and self.keep is None:
            raise UserError("Give a rank, or how much is to be kept (e.g. keep 'energy', amount 0.95).")
        if self.rank is not None and self.rank < 1:
            raise UserError(f"The rank must be at least 1, not {self.rank}.")
        if self.keep == "ratio" and self.amount < 1:
            raise UserError(f"'ratio' keeps values down to the largest divided by it; {self.amount:g} is below 1.")
        if self.keep in ("energy", "frobenius", "cumulative") and not 0 < self.amount <= 1:
            raise UserError(f"The share of '{self.keep}' to keep must be above 0 and at most 1, not {self.amount:g}.")

    def choose(self, values: torch.Tensor) -> int:
        """The number of leading singular values (k,) to keep, at least 1."""
        most = len(values) if self.rank is None else min(self.rank, len(values))
        return max(1, min(most, len(values) if self.keep is None else self._wanted(values)))

    def _wanted(self, values: torch.Tensor) -> int:
        if not bool(values[0] > 0):
            return 1
        if self.keep == "ratio":
            return int((values >= values[0] / self.amount).sum())
        measure = values if self.keep == "cumulative" else values.square()
        amount = self.amount**2 if self.keep == "frobenius" else self.amount
        sums = measure.cumsum(0)
        # A share of 1 must not ask for values that are but rounding.
        return int((sums < sums[-1] * amount * (1 - 1e-12)).sum()) + 1


@dataclass(frozen=True)
class Spectrum:
    """A matrix (m, n): left (m, k) @ diag(values) (k,) @ right (k, n); left and right are orthonormal, values fall."""

    left: torch.Tensor
    values: torch.Tensor
    right: torch.Tensor

    def kept(self, rank: int) -> float:
        """Share of the Frobenius norm that the first `rank` values hold."""
        total = self.values.square().sum()
        return float((self.values[:rank].square().sum() / total).sqrt()) if total > 0 else 1.0

    def module(self, rank: int, shape: Sequence[int]) -> LoraModule:
        """The best module of this rank for a weight of `shape`, with alpha = rank.

        Both matrices get the root of the singular values, so that neither leaves fp16's range first.
        """
        root = self.values[:rank].sqrt()
        up = self.left[:, :rank] * root
        down = root[:, None] * self.right[:rank]
        return as_module(up.float(), down.float(), shape, alpha=float(rank))


def as_module(up: torch.Tensor, down: torch.Tensor, shape: Sequence[int], alpha: float) -> LoraModule:
    """Matrices up (out, r), down (r, in * kh * kw) as the module of a weight of `shape`."""
    if len(shape) == 2:
        return LoraModule(down.contiguous(), up.contiguous(), alpha)
    return LoraModule(down.reshape(-1, *shape[1:]).contiguous(), up.reshape(*up.shape, 1, 1).contiguous(), alpha)


def spectrum_of_product(left: torch.Tensor, right: torch.Tensor) -> Spectrum:
    """Of left (m, r) @ right (r, n). For r below m and n only r x r matrices are decomposed."""
    left, right = left.double(), right.double()
    if left.shape[1] >= min(left.shape[0], right.shape[1]):
        return spectrum_of_matrix(left @ right)
    basis_left, core_left = torch.linalg.qr(left)
    basis_right, core_right = torch.linalg.qr(right.T)
    inner_left, values, inner_right = torch.linalg.svd(core_left @ core_right.T)
    return Spectrum(basis_left @ inner_left, values, inner_right @ basis_right.T)


def spectrum_of_matrix(matrix: torch.Tensor) -> Spectrum:
    """Of a whole matrix (m, n), without values below NEGLIGIBLE times the largest.

    Through the eigenvectors of its smaller Gram matrix in float64: two to four times as fast as an SVD, and a value s
    is as exact as eps * (largest / s)^2, far beyond what a file holds.
    """
    matrix = matrix.double()
    if matrix.shape[0] < matrix.shape[1]:
        flipped = spectrum_of_matrix(matrix.T)
        return Spectrum(flipped.right.T, flipped.values, flipped.left.T)
    squares, vectors = torch.linalg.eigh(matrix.T @ matrix)
    values = squares.flip(0).clamp(min=0).sqrt()
    count = max(1, int((values > NEGLIGIBLE * values[0]).sum()))
    values, right = values[:count], vectors.flip(1)[:, :count].T
    left = matrix @ right.T / values.clamp(min=torch.finfo(torch.float64).tiny)
    return Spectrum(left, values, right)


def padded(module: LoraModule, rank: int) -> LoraModule:
    """The same change with a higher rank: zeros are added."""
    extra = rank - module.rank
    if extra <= 0:
        return module
    up, down = module.matrices(module.up.dtype)
    up = torch.cat([up, up.new_zeros(up.shape[0], extra)], 1)
    down = torch.cat([down, down.new_zeros(extra, down.shape[1])])
    return as_module(up, down, module.weight_shape, alpha=module.scale * rank)
