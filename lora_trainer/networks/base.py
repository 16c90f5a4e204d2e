"""What a network type has to say, and what all adapter layers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import nn

from ..config import NetworkOptions, TrainConfig
from ..errors import ConfigError
from ..files.module import Module
from ..registry import Registry, suggest
from ..twin.lora_names import CONV3, Target, in_block
from .dropout import Dropout, DropoutClock

if TYPE_CHECKING:
    from ..families.base import Family
    from .adapters import Adapters

NETWORKS: Registry[NetworkType] = Registry("type of network")


@dataclass(frozen=True)
class Plan:
    """An adapter to be: where, of what rank, and how strong. alpha / rank is the true scale, as files have it.

    `rate_factor` is its block's factor on the learning rate, `rate_block` the name that the user gave that block;
    `arguments` are the options of the network's type alone. `like` is a module of a file whose form it gets.
    """

    target: Target
    rank: int
    alpha: float
    rate_factor: float = 1.0
    rate_block: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    like: Module | None = None

    @property
    def name(self) -> str:
        return self.target.lora_name


class Adapter(nn.Module, ABC):
    """A layer of the base with something trained beside it. Injected by peft, whose names it keeps to.

    peft expects the wrapped layer in `base_layer` and what is trained under names with `lora_`. The base layer is
    called and nothing else is done to it.
    """

    from_zero: ClassVar[tuple[str, ...]] = ()
    """Which of `trained` begin at zero and so may have a rate of their own (LoRA+)."""

    def __init__(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.plan, self.clock, self.dropout = plan, clock, dropout
        self.strength = 1.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.base_layer(x)
        return out if self.silent else self.add(out, x)

    @property
    def silent(self) -> bool:
        """Whether the output is the base layer's own: at strength 0, or where module dropout says so."""
        return not self.strength or (self.dropping and self.clock.skips(self.plan.name, self.dropout.modules))

    @property
    def dropping(self) -> bool:
        return self.clock.training and self.dropout.any

    def kept_inputs(self, x: torch.Tensor) -> torch.Tensor:
        """The input (n, ...) of what is trained, with the share that is dropped at this place of the run."""
        share = self.dropout.inputs if self.clock.training else 0.0
        return x * self.clock.mask(self.plan.name, "input dropout", tuple(x.shape), share, x) if share else x

    @property
    def weight(self) -> torch.Tensor:
        """The base layer's, for libraries that look at a layer's dtype or device."""
        return self.base_layer.weight

    @property
    def bias(self) -> torch.Tensor | None:
        return self.base_layer.bias

    @abstractmethod
    def add(self, out: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """`out` (the base layer's output for input x) plus this adapter's share; a new tensor of out's dtype."""

    @abstractmethod
    def trained(self) -> dict[str, nn.Parameter]:
        """The trained fp32 parameters under the names that files give them, e.g. 'lora_down.weight'."""

    @abstractmethod
    def module(self) -> Module:
        """A copy of what is trained, as it goes into a file."""

    @abstractmethod
    def start_from(self, module: Module) -> None:
        """Begin with the same function as `module`, one of the kinds that the type takes; as near as the own rank
        allows. Raises FileFormatError where a module of that form cannot be gone on from."""

    @abstractmethod
    def limit_norm(self, most: float) -> None:
        """Scale the change of the weight down where its norm is above `most`, without waiting for the device."""


class NetworkType(ABC):
    """A kind of network. A new one is one file: its adapter layers, this class, and an instance in NETWORKS."""

    name: ClassVar[str]
    goes_on_from: ClassVar[tuple[str, ...]]
    """Kinds of modules in files that a training can begin with (`network.train_on`)."""
    without: ClassVar[tuple[str, ...]] = ()
    """Options that have no meaning for this type, by their paths: they have to stay at their defaults."""

    @abstractmethod
    def adapter(self, base_layer: nn.Module, plan: Plan, clock: DropoutClock, dropout: Dropout) -> Adapter:
        """A fresh adapter that does not change the base layer's output yet; drawn from the clock's seed.

        `plan.arguments` are the options of this type alone.
        """

    def problems(self, arguments: Mapping[str, Any]) -> list[str]:
        """Sentences on what is wrong in `network.arguments`, the type's own options; a type without any knows none."""
        return [f"network.arguments has '{name}', which the type '{self.name}' does not take." for name in arguments]

    def metadata(self, config: TrainConfig) -> dict[str, str]:
        """What a file's metadata say of the network, where that is not what they say of LoRA."""
        return {}

    def attach(self, family: Family, unet: nn.Module, encoders: Sequence[nn.Module], config: TrainConfig) -> Adapters:
        """Adapters on the twins as `config.network` says, begun from `train_on`, ready for training.

        Raises ConfigError when options name unknown blocks or leave nothing to train, and what reading a LoRA raises.
        """
        from .adapters import attach_for_training

        return attach_for_training(self, family, unet, encoders, config)


def plans(targets: Sequence[Target], options: NetworkOptions) -> list[Plan]:
    """The adapters that `options` ask for in `targets`, in the same order; rank 0 leaves a target out.

    Raises ConfigError for block names that no target has, or when nothing is left.
    """
    problems = [
        *_unknown_blocks("network.block_ranks", options.block_ranks, targets),
        *_unknown_blocks("network.block_rates", options.block_rates, targets),
    ]
    if problems:
        raise ConfigError(problems)
    planned = [_plan(target, options) for target in targets]
    found = [plan for plan in planned if plan.rank]
    if not found:
        raise ConfigError(["Nothing is left to train: network.train_unet is off, or the ranks of all blocks are 0."])
    return found


def _plan(target: Target, options: NetworkOptions) -> Plan:
    rate_block = _named_block(target.block, options.block_rates)
    rate_factor = options.block_rates[rate_block] if rate_block else 1.0
    rank, alpha = _size(target, options)
    if options.rank_stabilized:  # Kalajdzievski 2023, arXiv:2312.03732; files only know alpha / rank
        alpha *= rank**0.5
    return Plan(target, rank, alpha, rate_factor, rate_block, options.arguments)


def _size(target: Target, options: NetworkOptions) -> tuple[int, float]:
    """Rank and alpha. A block's own rank keeps the scale alpha / rank of the others, so that one rate suits all.

    Stabilized ranks keep alpha instead: their scale is made for ranks that differ.
    """
    block = _named_block(target.block, options.block_ranks)
    if block and not options.block_ranks[block]:
        return 0, 0.0
    if target.kind == CONV3:
        return options.conv_rank, options.conv_alpha
    rank = options.block_ranks[block] if block else options.rank
    return rank, options.alpha * (1.0 if options.rank_stabilized else rank / options.rank)


def _named_block(block: str, table: Mapping[str, Any]) -> str:
    """The most particular name in `table` that means `block`: 'down.1' before 'down'; empty when there is none."""
    return max((name for name in table if in_block(block, name)), key=len, default="")


def _unknown_blocks(option: str, table: Mapping[str, Any], targets: Iterable[Target]) -> list[str]:
    blocks = dict.fromkeys(target.block for target in targets)
    wrong = [name for name in table if not any(in_block(block, name) for block in blocks)]
    known = dict.fromkeys([*(block.partition(".")[0] for block in blocks), *blocks])
    return [f"{option} names the block '{name}', which is not trained. {suggest(name, known)}" for name in wrong]
