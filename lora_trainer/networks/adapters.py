"""All adapters of a training or of a LoRA file, on all twins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..config import TrainConfig
from ..errors import ConfigError, FileFormatError, TrainingError
from ..files.module import Module
from ..twin.lora_names import by_lora_name
from .base import NETWORKS, Adapter, NetworkType, Plan, plans
from .dropout import Dropout, DropoutClock
from .injection import Injection
from .starting import begin_with, listed, modules_to_train_on

if TYPE_CHECKING:
    from ..families.base import Family


class Adapters:
    """Adapters in the order of their targets. `clock` is to be set before every micro-batch.

    `remarks` are sentences on what of a given file was left out; `stated` is what a file's metadata say of the network.
    """

    def __init__(
        self,
        clock: DropoutClock,
        injections: list[Injection],
        planned: Sequence[Plan],
        most_norm: float = 0.0,
        stated: Mapping[str, str] | None = None,
    ) -> None:
        self.clock, self._injections, self._most_norm = clock, injections, most_norm
        self._stated = dict(stated or {})
        by_name = {adapter.plan.name: adapter for one in injections for adapter in one.adapters.values()}
        self._adapters: dict[str, Adapter] = {plan.name: by_name[plan.name] for plan in planned}
        self.remarks: list[str] = []

    def __len__(self) -> int:
        return len(self._adapters)

    def __contains__(self, name: str) -> bool:
        return name in self._adapters

    def __getitem__(self, name: str) -> Adapter:
        """The adapter of this name in files."""
        return self._adapters[name]

    def parameter_groups(self, config: TrainConfig) -> list[dict[str, Any]]:
        """Groups of {name, params, lr}: by part of the base ('unet', 'text_encoder' ...) and block with a factor.

        With LoRA+ (Hayou et al. 2024, arXiv:2402.12354) what begins at zero is in groups of its own ('unet B').
        Their order, and that of the parameters in them, depends on the options alone.
        """
        groups: dict[str, dict[str, Any]] = {}
        ratio = config.optimizer.loraplus_ratio
        for adapter in self._adapters.values():
            part, plan = adapter.plan.target.part, adapter.plan
            name = f"{part} {plan.rate_block}" if plan.rate_block else part
            rate = _rate_of(part, config) * plan.rate_factor
            for key, parameter in adapter.trained().items():
                faster = ratio != 1.0 and key in adapter.from_zero
                group, own_rate = (f"{name} B", rate * ratio) if faster else (name, rate)
                groups.setdefault(group, {"name": group, "params": [], "lr": own_rate})["params"].append(parameter)
        return list(groups.values())

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Inside, nothing is dropped."""
        before, self.clock.training = self.clock.training, False
        try:
            yield
        finally:
            self.clock.training = before

    def set_strength(self, strength: float) -> None:
        """Factor on what the adapters add; at 0 every output is the base's own, to the bit."""
        for adapter in self._adapters.values():
            adapter.strength = strength

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        """Inside, every output is the base's own, to the bit; afterwards strengths are as before."""
        before = {adapter: adapter.strength for adapter in self._adapters.values()}
        self.set_strength(0.0)
        try:
            yield
        finally:
            for adapter, strength in before.items():
                adapter.strength = strength

    @property
    def limits_norms(self) -> bool:
        return bool(self._most_norm)

    def limit_norms(self) -> None:
        """Hold every adapter to `network.scale_weight_norms`, if it is set."""
        if self._most_norm:
            for adapter in self._adapters.values():
                adapter.limit_norm(self._most_norm)

    def modules(self) -> dict[str, Module]:
        """Copies of all modules under their names in files, fp32."""
        return {name: adapter.module() for name, adapter in self._adapters.items()}

    def metadata(self) -> dict[str, str]:
        """What the network type adds to a file's metadata."""
        return dict(self._stated)

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of all that is trained: {'<name>.lora_down.weight': fp32}."""
        return {key: parameter.detach().clone() for key, parameter in self._parameters().items()}

    @torch.no_grad()
    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Put back what `state` gave, exactly. Raises TrainingError when it belongs to another network."""
        parameters = self._parameters()
        given = {key: tuple(tensor.shape) for key, tensor in state.items()}
        here = {key: tuple(parameter.shape) for key, parameter in parameters.items()}
        if given != here:
            odd = sorted(key for key in {*given, *here} if given.get(key) != here.get(key))
            raise TrainingError(
                f"The saved state does not fit this network in {len(odd)} of {len(here)} tensors ({listed(odd)}): "
                "the network's options were changed since. Put them back, or start anew without --resume."
            )
        for key, parameter in parameters.items():
            parameter.copy_(state[key])

    def detach(self) -> None:
        """Leave the twins as they were before."""
        for injection in self._injections:
            injection.remove()

    def _parameters(self) -> dict[str, nn.Parameter]:
        return {
            f"{name}.{key}": parameter
            for name, adapter in self._adapters.items()
            for key, parameter in adapter.trained().items()
        }


def attach_for_training(
    network: NetworkType, family: Family, unet: nn.Module, encoders: Sequence[nn.Module], config: TrainConfig
) -> Adapters:
    """See NetworkType.attach."""
    options = config.network
    if problems := network.problems(options.arguments):
        raise ConfigError(problems)
    trained = unet if options.train_unet else None
    targets = family.targets(trained, encoders, attention_only=options.attention_only, conv=options.conv_rank > 0)
    planned = plans(targets, options)
    start = modules_to_train_on(options.train_on, network) if options.train_on else {}
    clock = DropoutClock(config.seed)
    dropout = Dropout(options.dropout, options.rank_dropout, options.module_dropout)

    def build(plan: Plan, base_layer: nn.Module) -> Adapter:
        return network.adapter(base_layer, plan, clock, dropout)

    injections = _inject(planned, _twins(family, unet, encoders), build)
    adapters = Adapters(clock, injections, planned, options.scale_weight_norms, network.metadata(config))
    if options.train_on:
        begin_with(adapters, start, options.train_on)
    adapters.clock.training = True
    return adapters


def attach_modules(
    family: Family, unet: nn.Module, encoders: Sequence[nn.Module], modules: Mapping[str, Module], source: str
) -> Adapters:
    """The LoRA of a file (`source`, for messages), each module in its own form, for drawing with.

    Raises FileFormatError when nothing in it fits this base.
    """
    targets = by_lora_name(family.targets(unet, encoders, conv=True))
    planned = [
        Plan(targets[name], module.rank, module.alpha, like=module)
        for name, module in modules.items()
        if name in targets
    ]
    if not planned:
        raise FileFormatError(f"'{source}' holds nothing that fits {family.label}: is it for another base?")
    clock = DropoutClock(0)

    def build(plan: Plan, base_layer: nn.Module) -> Adapter:
        return NETWORKS.get(modules[plan.name].kind).adapter(base_layer, plan, clock, Dropout())

    adapters = Adapters(clock, _inject(planned, _twins(family, unet, encoders), build), planned)
    begin_with(adapters, modules, source)
    return adapters


def _twins(family: Family, unet: nn.Module, encoders: Sequence[nn.Module]) -> dict[str, nn.Module]:
    return {"unet": unet, **{text.part: encoder for text, encoder in zip(family.text_parts, encoders)}}


def _inject(
    planned: Sequence[Plan], twins: Mapping[str, nn.Module], build: Callable[[Plan, nn.Module], Adapter]
) -> list[Injection]:
    """Put what `build` makes into the twins; nothing is left there where it fails."""
    injections: list[Injection] = []
    try:
        for part, twin in twins.items():
            make = {plan.target.path: partial(build, plan) for plan in planned if plan.target.part == part}
            if make:
                injections.append(Injection(twin, make))
    except BaseException:
        for injection in injections:
            injection.remove()
        raise
    return injections


def _rate_of(part: str, config: TrainConfig) -> float:
    optimizer = config.optimizer
    if part == "unet":
        return optimizer.learning_rate
    second = optimizer.text_encoder_2_rate if part == "text_encoder_2" else 0.0
    return second or optimizer.text_encoder_rate
