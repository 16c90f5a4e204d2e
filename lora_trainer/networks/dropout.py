"""Dropout that depends on where a run is, not on what was drawn before.

Each mask comes from a generator seeded from (seed, step, micro-batch, module). So the second forward of gradient
checkpointing and a resumed run get the same masks, and the global random states stay untouched. Where a micro-batch is
taken in parts, each part gets its rows of the whole mask: every picture keeps its own, however many come at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..seeds import generator, seed_of


@dataclass(frozen=True)
class Dropout:
    """Shares that are dropped, as kohya has them: of an adapter's inputs, of its ranks, and of whole adapters."""

    inputs: float = 0.0
    ranks: float = 0.0
    modules: float = 0.0

    @property
    def any(self) -> bool:
        return bool(self.inputs or self.ranks or self.modules)


class DropoutClock:
    """Where the run is; shared by all adapters. Nothing is dropped while `training` is false."""

    def __init__(self, seed: int) -> None:
        self.seed, self.step, self.micro = seed, 0, 0
        self.rows, self.pictures = slice(0, 1), 1
        self.training = False

    def set(self, step: int, micro: int = 0, rows: slice = slice(0, 1), pictures: int = 1) -> None:
        """To be called before every micro-batch, or part of one: its `rows` of `pictures`."""
        self.step, self.micro, self.rows, self.pictures = step, micro, rows, pictures

    def skips(self, module: str, share: float) -> bool:
        """Whether `module` is left out of this micro-batch altogether, which happens to `share` of them."""
        return seed_of(self.seed, "module dropout", self.step, self.micro, module) < share * 2**63

    def mask(self, module: str, purpose: str, shape: tuple[int, ...], share: float, like: torch.Tensor) -> torch.Tensor:
        """What is kept: 0 for `share` of the entries, 1 / (1 - share) for the others, so that the mean stays.

        `shape` begins with the rows of the part's pictures, as many for each. Has the device and dtype of `like`.
        """
        draw = generator(like.device, self.seed, purpose, self.step, self.micro, module)
        first, last = self.rows.start, self.rows.stop
        each = shape[0] // (last - first)
        whole = torch.rand((self.pictures * each, *shape[1:]), generator=draw, device=draw.device)
        return (whole[first * each : last * each] >= share).to(like) / (1 - share)
