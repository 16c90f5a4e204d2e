"""The model under training: twins of the base, adapters on them, and the optimizer that moves the adapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from .. import optimizers
from ..config import OptimizerOptions, TrainConfig
from ..families.base import FAMILIES, Family, PictureSize
from ..host.base import Conditioning, Loan
from ..networks.base import NETWORKS
from ..optim.adamw_bytes import AdamWBytes
from .checkpointing import checkpoint_blocks
from .undo import moves_at_once, whole_or_not_at_all

if TYPE_CHECKING:
    from ..networks.adapters import Adapters


@dataclass
class TrainingModel:
    """Everything that is trained and what it is trained on. `text_encoders` is empty where they are frozen.

    With `states_off` the optimizer's state is on the CPU, but while the optimizer moves.
    """

    family: Family
    unet: nn.Module
    text_encoders: list[nn.Module]
    adapters: Adapters
    optimizer: torch.optim.Optimizer
    device: torch.device
    dtype: torch.dtype
    states_off: bool = False

    @property
    def parameters(self) -> list[nn.Parameter]:
        """All trained parameters, in the optimizer's order."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditioning: Conditioning, sizes: Sequence[PictureSize]
    ) -> torch.Tensor:
        """The base's prediction (n, 4, h, w) for noisy latents (n, 4, h, w) at timesteps (n,)."""
        inputs = self.family.unet_inputs(conditioning.to(self.device, self.dtype), sizes)
        return self.unet(noisy.to(self.dtype), timesteps, return_dict=False, **inputs)[0]

    def move(self, finite: torch.Tensor) -> None:
        """Let the optimizer move by the gradients, unless `finite` is false; then forget the gradients.

        A move that breaks off, as for want of memory, leaves everything as it was before.
        """
        with whole_or_not_at_all(self.optimizer, alone=self._moves_alone), self._states_here():
            optimizers.step_if(self.optimizer, finite)
            self.adapters.limit_norms()
            self.forget_gradients()

    @property
    def moves_at_once(self) -> bool:
        """Whether nothing has to be copied before a move: a single kernel makes it."""
        return self._moves_alone and moves_at_once(self.optimizer)

    @property
    def _moves_alone(self) -> bool:
        """Whether nothing but the optimizer's move is part of one."""
        return not (self.states_off or self.adapters.limits_norms)

    def forget_gradients(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)

    def keep_states_off(self) -> None:
        """From now on, the optimizer's state is on the device only while it moves."""
        self.states_off = True
        self._put_states_off()

    def can_keep_bytes(self, options: OptimizerOptions) -> bool:
        """Whether there is a form of the optimizer that remembers in 8 bits."""
        return options.name == "adamw" and not {*options.arguments} - {"betas", "eps", "foreach", "fused"}

    def keep_bytes(self) -> None:
        """From now on, the optimizer remembers in 8 bits what it does in 32."""
        if not isinstance(self.optimizer, AdamWBytes):
            self.optimizer = AdamWBytes.going_on_from(self.optimizer)

    @contextmanager
    def _states_here(self) -> Iterator[None]:
        """Inside, the optimizer's state is where its weights are."""
        if not self.states_off:
            yield
            return
        for state, device in self._states():
            state.data = state.data.to(device)
        try:
            yield
        finally:
            self._put_states_off()

    def _put_states_off(self) -> None:
        for state, _ in self._states():
            state.data = state.data.cpu()

    def _states(self) -> Iterator[tuple[torch.Tensor, torch.device]]:
        """What the optimizer remembers of every weight, and where that weight is. Counters stay where they are."""
        for parameter in self.parameters:
            for value in self.optimizer.state.get(parameter, {}).values():
                if torch.is_tensor(value) and value.dim():
                    yield value, parameter.device

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Inside, adapters, gradients and the optimizer's memory are on the CPU; afterwards back, to the bit."""
        tensors = [(tensor, tensor.device) for tensor in self._own_tensors() if tensor.device.type != "cpu"]
        for tensor, _ in tensors:
            tensor.data = tensor.data.cpu()
        try:
            yield
        finally:
            for tensor, device in tensors:
                tensor.data = tensor.data.to(device)

    def _own_tensors(self) -> Iterator[torch.Tensor]:
        """All that a run keeps on the device beside the base between two micro-batches."""
        for parameter in self.parameters:
            yield parameter
            if parameter.grad is not None:
                yield parameter.grad
            yield from (value for value in self.optimizer.state[parameter].values() if torch.is_tensor(value))


def build_model(config: TrainConfig, loan: Loan) -> TrainingModel:
    """Attach a network to the lent base as `config` says. Raises UserError when nothing is left to train."""
    family = FAMILIES.get(loan.info.family)
    unet = loan.unet()
    encoders = loan.text_encoders() if config.network.train_text_encoder else []
    adapters = NETWORKS.get(config.network.type).attach(family, unet, encoders, config)
    checkpoint_blocks(unet, config.memory.checkpointing)
    optimizer = optimizers.build(config.optimizer, adapters.parameter_groups(config))
    return TrainingModel(family, unet, encoders, adapters, optimizer, loan.device, loan.dtype)
