"""Several processes of one thread each that share a batch.

On a machine that others use as well, two threads wait for each other at every operation; two processes do so once a
step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed


@dataclass(frozen=True)
class Workers:
    """This process's number `rank` among `count`."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def meet(self, work: Path) -> None:
        """Waits for the other processes; they find each other through a file in the folder `work`."""
        if self.count > 1:
            place = (work / "rendezvous").resolve().as_uri()
            distributed.init_process_group("gloo", init_method=place, rank=self.rank, world_size=self.count)

    def share(self, values: torch.Tensor) -> torch.Tensor:
        """This process's part of a batch."""
        return values[self.rank :: self.count]

    def average_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Replaces each gradient by its mean over the processes, in one exchange."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.count
        for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
            gradient.copy_(mean.view_as(gradient))
