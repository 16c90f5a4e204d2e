"""All adapters of a training or of a LoRA file, on all twins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ..config import TrainConfig
from ..errors import ConfigError, FileFormatError, TrainingError
from ..files.lora import LoraModule
from ..twin.lora_names import by_lora_name
from .base import NETWORKS, Adapter, NetworkType, Plan, plans
from .dropout import Dropout, DropoutClock
from .injection import Injection

if TYPE_CHECKING:
    from ..families.base import Family

SHOWN = 3  # names in a sentence


class Adapters:
    """Adapters in the order of their targets. `clock` is to be set before every micro-batch.

    `remarks` are sentences on what of a given file was left out.
    """

    def __init__(self, clock: DropoutClock, injections: list[Injection], planned: Sequence[Plan], most: float) -> None:
        self.clock, self._injections, self._most_norm = clock, injections, most
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
                group = {"name": f"{name} B", "lr": rate * ratio} if faster else {"name": name, "lr": rate}
                groups.setdefault(group["name"], {**group, "params": []})["params"].append(parameter)
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

    def modules(self) -> dict[str, LoraModule]:
        """Copies of all modules under their names in files, fp32."""
        return {name: adapter.module() for name, adapter in self._adapters.items()}

    def metadata(self) -> dict[str, str]:
        """What the network type adds to a file's metadata: nothing beyond what the options already say."""
        return {}

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
                f"The saved state does not fit this network in {len(odd)} of {len(here)} tensors ({_listed(odd)}): "
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
    start = _modules_to_train_on(options.train_on) if options.train_on else {}
    dropout = Dropout(options.dropout, options.rank_dropout, options.module_dropout)
    adapters = _attach(
        network, planned, _twins(family, unet, encoders), config.seed, dropout, options.scale_weight_norms
    )
    if options.train_on:
        _start(adapters, start, options.train_on)
    adapters.clock.training = True
    return adapters


def attach_modules(
    family: Family, unet: nn.Module, encoders: Sequence[nn.Module], modules: Mapping[str, LoraModule], source: str
) -> Adapters:
    """The LoRA of a file (`source`, for messages), with its own ranks and alphas, for drawing with.

    Raises FileFormatError when nothing in it fits this base.
    """
    targets = by_lora_name(family.targets(unet, encoders, conv=True))
    planned = [Plan(targets[name], module.rank, module.alpha) for name, module in modules.items() if name in targets]
    if not planned:
        raise FileFormatError(f"'{source}' holds nothing that fits {family.label}: is it for another base?")
    adapters = _attach(NETWORKS.get("lora"), planned, _twins(family, unet, encoders), 0, Dropout(), 0.0)
    _start(adapters, modules, source)
    return adapters


def _twins(family: Family, unet: nn.Module, encoders: Sequence[nn.Module]) -> dict[str, nn.Module]:
    return {"unet": unet, **{text.part: encoder for text, encoder in zip(family.text_parts, encoders)}}


def _attach(
    network: NetworkType,
    planned: Sequence[Plan],
    twins: Mapping[str, nn.Module],
    seed: int,
    dropout: Dropout,
    most_norm: float,
) -> Adapters:
    clock = DropoutClock(seed)
    injections: list[Injection] = []
    try:
        for part, twin in twins.items():
            make = {
                plan.target.path: partial(_make, network, plan, clock, dropout)
                for plan in planned
                if plan.target.part == part
            }
            if make:
                injections.append(Injection(twin, make))
    except BaseException:
        for injection in injections:
            injection.remove()
        raise
    return Adapters(clock, injections, planned, most_norm)


def _make(network: NetworkType, plan: Plan, clock: DropoutClock, dropout: Dropout, base_layer: nn.Module) -> Adapter:
    return network.adapter(base_layer, plan, clock, dropout)


def _modules_to_train_on(path: str) -> dict[str, LoraModule]:
    from ..files.read import read_lora

    file = read_lora(Path(path).expanduser())
    file.require_plain("train on")
    return file.modules


def _start(adapters: Adapters, modules: Mapping[str, LoraModule], source: str) -> None:
    """Begin with `modules` of the file `source`, and remark on those that are not in this network.

    Raises FileFormatError, with the twins as they were, when nothing fits or a module is for a layer of another size.
    """
    try:
        adapters.remarks += _begin_with(adapters, modules, source)
    except BaseException:
        adapters.detach()
        raise


def _begin_with(adapters: Adapters, modules: Mapping[str, LoraModule], source: str) -> list[str]:
    known = {name: adapters[name] for name in modules if name in adapters}
    if not known:
        raise FileFormatError(f"'{source}' has none of the modules that are trained here: is it for another base?")
    for name, adapter in known.items():
        _check_size(name, modules[name], adapter, source)
        adapter.start_from(modules[name])
    left = [name for name in modules if name not in known]
    if not left:
        return []
    return [
        f"{len(left)} of {len(modules)} modules in '{source}' are not in this network and left out: {_listed(left)}."
    ]


def _check_size(name: str, module: LoraModule, adapter: Adapter, source: str) -> None:
    """A 1x1 convolution and a linear layer of one size are the same; everything else must agree."""
    wanted, given = adapter.module().weight_shape, module.weight_shape
    if (*wanted, 1, 1)[:4] != (*given, 1, 1)[:4]:
        raise FileFormatError(
            f"'{name}' in '{source}' is for a layer of the size {_size(given)}, here it has {_size(wanted)}: "
            "the file is for another base."
        )


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _rate_of(part: str, config: TrainConfig) -> float:
    optimizer = config.optimizer
    if part == "unet":
        return optimizer.learning_rate
    second = optimizer.text_encoder_2_rate if part == "text_encoder_2" else 0.0
    return second or optimizer.text_encoder_rate


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
