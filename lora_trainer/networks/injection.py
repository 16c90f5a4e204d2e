"""Putting adapters into a twin with peft, and taking them out again without a trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from .. import packages
from .base import Adapter


class Injection:
    """The adapters {path: adapter} in one twin. Base parameters are frozen while they are there."""

    def __init__(self, twin: nn.Module, make: Mapping[str, Callable[[nn.Module], Adapter]]) -> None:
        """Put what `make` gives for a layer in its place, by path. Raises RuntimeError where adapters are already."""
        if any(isinstance(module, Adapter) for module in twin.modules()):
            raise RuntimeError("There are adapters in this network already: detach them first.")
        self.twin = twin
        self._trainable = [parameter for parameter in twin.parameters() if parameter.requires_grad]
        self._layers = {path: twin.get_submodule(path) for path in make}
        twin.requires_grad_(False)
        try:
            _inject(twin, make)
        except BaseException:
            self.remove()
            raise
        self.adapters: dict[str, Adapter] = {path: twin.get_submodule(path) for path in make}
        for adapter in self.adapters.values():  # newer versions of peft freeze what is not of their own classes
            for parameter in adapter.trained().values():
                parameter.requires_grad_(True)

    def remove(self) -> None:
        """Put the base's layers back and restore which parameters want gradients. Twice is as once."""
        for path, layer in self._layers.items():
            parent, _, leaf = path.rpartition(".")
            setattr(self.twin.get_submodule(parent), leaf, layer)
        self.adapters, self._layers = {}, {}
        for parameter in self._trainable:
            parameter.requires_grad_(True)
        self._trainable = []


def _inject(twin: nn.Module, make: Mapping[str, Callable[[nn.Module], Adapter]]) -> None:
    peft: Any = packages.peft()
    layers = {twin.get_submodule(path): build for path, build in make.items()}

    def adapter_for(layer: nn.Module, adapter_name: str, **arguments: Any) -> Adapter:
        return layers[layer](layer)

    # peft finds the layers and puts ours in their place. Ranks and alphas are already in ours: its
    # own patterns for them compare every name with every other, which takes seconds for SDXL.
    config = peft.LoraConfig(target_modules="|".join(map(re.escape, make)), init_lora_weights=False)
    config._register_custom_module({nn.Module: adapter_for})
    try:
        peft.inject_adapter_in_model(config, twin)
    finally:
        twin.__dict__.pop("peft_config", None)
