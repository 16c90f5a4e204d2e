"""What a run will need of the device's memory, beside what there is; and what would fit where it is too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .. import device as devices
from ..config import TrainConfig
from ..sentences import Sentence
from .step import StepMemory, step_memory

if TYPE_CHECKING:
    import torch

    from .imagined import BaseShapes

OWN_BYTES = 700_000_000
"""What a process holds beside tensors: the driver's context and kernels on a card, Python and its packages else."""
KEPT_FREE = {"cpu": 1.0}
"""What an allocator keeps of freed memory, as a share of the activations (measured with glibc, see docs/speed.md)."""
KEPT_FREE_ELSEWHERE = 0.1
SHARE = 0.95
"""How much of the device a run may count on: a desktop draws on it as well."""


@dataclass(frozen=True)
class Need:
    """Bytes that a step needs on a device of `total` bytes (0: unknown) called `device`."""

    step: StepMemory
    own: int
    total: int
    device: str

    @property
    def bytes(self) -> int:
        return self.step.total + self.own

    @property
    def fits(self) -> bool:
        return not self.total or self.bytes <= self.total * SHARE

    def sentence(self, advice: str = "") -> Sentence:
        values = {"need": gigabytes(self.bytes), "total": gigabytes(self.total), "device": self.device}
        if not self.total:
            return Sentence("memory_need", "Needs about {need} GB on {device}.", **values)
        if self.fits:
            return Sentence("memory_fits", "Needs about {need} of the {total} GB of {device}.", **values)
        template = "Needs about {need} GB, but {device} has {total} GB. {advice}"
        return Sentence("memory_too_much", template, **values, advice=advice)


def need(config: TrainConfig, base: BaseShapes, size: tuple[int, int]) -> Need:
    """What steps on pictures of `size` (height, width) need on the device that `config` asks for.

    Takes seconds. Raises ConfigError for a device or precision that is not there, and what building a model raises.
    """
    device = devices.choose(config.memory.device)
    dtype = devices.choose_dtype(config.memory.precision, device)
    return _need(config, base, size, device, dtype)


def what_fits(config: TrainConfig, base: BaseShapes, size: tuple[int, int]) -> tuple[TrainConfig, Need] | None:
    """The configuration nearest to `config` that fits, and what it needs; None when nothing does.

    Each is what a person would try next: recompute more, smaller batches with the same effective one, lower resolution.
    """
    for candidate, scale in _milder(config):
        scaled = (_scaled(size[0], scale), _scaled(size[1], scale))
        found = need(candidate, base, scaled)
        if found.fits:
            return candidate, found
    return None


def _need(
    config: TrainConfig, base: BaseShapes, size: tuple[int, int], device: torch.device, dtype: torch.dtype
) -> Need:
    _, total = devices.memory_of(device)
    step = step_memory(config, base, size, dtype)
    kept = int(step.activations * KEPT_FREE.get(device.type, KEPT_FREE_ELSEWHERE))
    name = "this computer (CPU)" if device.type == "cpu" else devices.label(device)
    return Need(step, OWN_BYTES + kept, total, name)


def _milder(config: TrainConfig) -> Iterator[tuple[TrainConfig, float]]:
    """Configurations that need less and less, with the factor on the sides of the pictures."""
    yield config, 1.0
    modes = ("off", "largest", "all")
    for mode in modes[modes.index(config.memory.checkpointing) + 1 :]:
        config = replace(config, memory=replace(config.memory, checkpointing=mode))
        yield config, 1.0
    while config.data.batch_size > 1:
        half = -(-config.data.batch_size // 2)
        accumulation = config.optimizer.accumulation * 2
        config = replace(
            config,
            data=replace(config.data, batch_size=half),
            optimizer=replace(config.optimizer, accumulation=accumulation),
        )
        yield config, 1.0
    for resolution in (768, 512):
        if resolution < config.data.resolution:
            yield replace(config, data=replace(config.data, resolution=resolution)), resolution / config.data.resolution


def _scaled(side: int, scale: float) -> int:
    """A side in steps of 64 pixels."""
    return max(64, round(side * scale / 64) * 64)


def gigabytes(count: int) -> str:
    """Bytes as GB (of 1024^3, as cards are sold), with one decimal."""
    return f"{count / 2**30:.1f}"
