"""What the training scripts share: clocked logging, learning rates, averaged weights, checkpoints to go on from."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch


class Log:
    """Prints lines with the minutes since the start, to the screen and to a file."""

    def __init__(self, file: Path) -> None:
        self.file, self.start = file, time.monotonic()

    def __call__(self, text: str) -> None:
        line = f"[{(time.monotonic() - self.start) / 60:6.2f} min] {text}"
        print(line, flush=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")


def cosine_rate(step: int, total: int, top: float, warmup: int = 100, floor: float = 0.02) -> float:
    """Learning rate: a linear warm-up, then half a cosine down to `floor` of the top."""
    if step < warmup:
        return top * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    return top * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


class Average:
    """Exponential moving average of parameters; the early steps are averaged over a shorter past."""

    def __init__(self, parameters: Iterable[torch.Tensor], decay: float) -> None:
        self.live = list(parameters)
        self.values = [p.detach().clone() for p in self.live]
        self.decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.live], 1 - decay)


def save_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Writes beside the file first, so that a kill leaves the old checkpoint whole."""
    part = file.with_suffix(".part")
    torch.save(state, part)
    part.replace(file)


def load_checkpoint(file: Path) -> dict[str, Any] | None:
    """The checkpoint to go on from, or None at the first start."""
    return torch.load(file, map_location="cpu", weights_only=True) if file.exists() else None
