"""What a run will need of the device's memory, beside what there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import devices
from ..config import TrainConfig
from ..sentences import Sentence
from .sizes import SHARE, gigabytes
from .step import ImaginedModel, StepMemory

if TYPE_CHECKING:
    import torch

    from .imagined import BaseShapes

OWN_BYTES = 700_000_000
"""What a process holds beside tensors: the driver's context and kernels on a card, Python and its packages else."""
KEPT_FREE = {"cpu": 1.0}
"""What an allocator keeps of freed memory, as a share of the activations (measured with glibc, see docs/speed.md)."""
KEPT_FREE_ELSEWHERE = 0.1

Size = tuple[int, int]
"""(height, width) in pixels."""


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


class Estimator:
    """Answers about the memory of steps on one base with one network.

    Only the batch, the pictures' size and checkpointing may differ from question to question: the model is built once,
    and what was asked before is remembered. `packs` says that the base is the run's alone, so that it may be packed.

    Raises ConfigError for a device or precision that is not there, and what building a model raises.
    """

    def __init__(self, config: TrainConfig, base: BaseShapes, *, packs: bool = False) -> None:
        self.device = devices.choose(config.memory.device)
        dtype = devices.choose_dtype(config.memory.precision, self.device)
        self.precision = devices.precision_of(dtype)
        self._model = ImaginedModel(config, base, dtype)
        self._packs = packs and config.memory.packing and self.device.type == "cpu"
        self._known: dict[tuple[Size, int, str], StepMemory] = {}

    @property
    def total(self) -> int:
        """Bytes that the device has; 0 where it does not tell."""
        return devices.memory_of(self.device)[1]

    @property
    def device_name(self) -> str:
        return device_name(self.device)

    def knows(self, size: Size, count: int, checkpointing: str) -> bool:
        """Whether `need` would answer at once."""
        return (size, count, checkpointing) in self._known

    def need(self, size: Size, count: int, checkpointing: str) -> Need:
        """Of steps on micro-batches of `count` pictures of `size`. Takes a second or some where it is not known yet."""
        key = (size, count, checkpointing)
        if key not in self._known:
            self._known[key] = self._model.step(size, count, checkpointing)
        return self.of(self._known[key])

    def of(self, step: StepMemory) -> Need:
        """What the device needs for a step that needs so much."""
        own = OWN_BYTES + int(step.activations * KEPT_FREE.get(self.device.type, KEPT_FREE_ELSEWHERE))
        if self.device.type == "cpu":
            own += step.kernels + (step.packed if self._packs else 0)
        return Need(step, own, self.total, self.device_name)


def device_name(device: torch.device) -> str:
    """The device in a sentence."""
    return "this computer (CPU)" if device.type == "cpu" else devices.label(device)
