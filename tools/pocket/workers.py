"""Several processes of one thread each that share a batch.

On a machine that others use as well, two threads wait for each other at every operation; two processes do so once a
step.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import distributed

MEETING_POINT = "tcp://127.0.0.1:29764"


@dataclass(frozen=True)
class Workers:
    """This process's number `rank` among `count`."""

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def meet(self) -> None:
        """Waits for the other processes. The first one starts them, with its own command line; they end with it."""
        if self.count == 1:
            return
        if self.first:
            for rank in range(1, self.count):
                subprocess.Popen([sys.executable, "-m", "tools.pocket", *sys.argv[1:], "--rank", str(rank)])
        distributed.init_process_group("gloo", init_method=MEETING_POINT, rank=self.rank, world_size=self.count)

    def share(self, values: torch.Tensor) -> torch.Tensor:
        """This process's part of a batch."""
        return values[self.rank :: self.count]

    def sum(self, values: torch.Tensor) -> None:
        """Replaces values by their sum over the processes."""
        if self.count > 1:
            distributed.all_reduce(values)

    def average_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Replaces each gradient by its mean over the processes, in one exchange."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        self.sum(flat)
        flat /= self.count
        for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
            gradient.copy_(mean.view_as(gradient))
