"""TrainConfig: every option of a training, once; a file for each group of them.

An option's default, help, range, choices and level stand here and nowhere else; YAML, the command line, page controls,
documentation and validation are read from this tree by `options`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .base import EPSILON, V_PREDICTION, BaseOptions
from .data import DataOptions, Folder
from .loss import LossOptions
from .memory import CHECKPOINTING, MemoryOptions
from .network import NetworkOptions
from .optimizer import OptimizerOptions
from .option import ADVANCED, BASIC, option
from .samples import SampleOptions
from .save import SaveOptions

__all__ = [
    "ADVANCED",
    "BASIC",
    "CHECKPOINTING",
    "EPSILON",
    "V_PREDICTION",
    "BaseOptions",
    "DataOptions",
    "Folder",
    "LossOptions",
    "MemoryOptions",
    "NetworkOptions",
    "OptimizerOptions",
    "SampleOptions",
    "SaveOptions",
    "TrainConfig",
]


@dataclass
class TrainConfig:
    """A whole training."""

    base: BaseOptions = field(default_factory=BaseOptions)
    data: DataOptions = field(default_factory=DataOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    memory: MemoryOptions = field(default_factory=MemoryOptions)
    samples: SampleOptions = field(default_factory=SampleOptions)
    save: SaveOptions = field(default_factory=SaveOptions)
    steps: int = option(
        0,
        "Steps of the whole training; 0: as many as the epochs need.",
        level=BASIC,
        least=0,
        most=10000000,
        also=("max_train_steps",),
    )
    epochs: int = option(
        0,
        "How often all pictures (with repeats) are seen; 0: as often as suits their number.",
        level=BASIC,
        least=0,
        most=100000,
        also=("max_train_epochs",),
    )
    seed: int = option(42, "Seed of everything random in the training.", least=0, most=2**32 - 1)
    validation_every: int = option(0, "Steps between validations; 0: with every save.", least=0, most=1000000)
    stop_after_bad_steps: int = option(
        10, "Stop after so many steps in a row whose loss is no number.", least=1, most=10000
    )
