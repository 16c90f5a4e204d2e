"""The model under training: twins of the base, adapters on them, and the optimizer that moves the adapters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from .. import optimizers
from ..config import TrainConfig
from ..families.base import FAMILIES, Family, PictureSize
from ..host.base import Conditioning, Loan
from ..networks.base import NETWORKS
from .checkpointing import checkpoint_blocks

if TYPE_CHECKING:
    from ..networks.adapters import Adapters


@dataclass
class TrainingModel:
    """Everything that is trained and what it is trained on. `text_encoders` is empty where they are frozen."""

    family: Family
    unet: nn.Module
    text_encoders: list[nn.Module]
    adapters: Adapters
    optimizer: torch.optim.Optimizer
    device: torch.device
    dtype: torch.dtype

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
        """Let the optimizer move by the gradients, unless `finite` is false; then forget the gradients."""
        optimizers.step_if(self.optimizer, finite)
        self.optimizer.zero_grad(set_to_none=True)
        self.adapters.limit_norms()

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
    if config.network.train_unet:
        checkpoint_blocks(unet, config.memory.checkpointing)
    optimizer = optimizers.build(config.optimizer, adapters.parameter_groups(config))
    return TrainingModel(family, unet, encoders, adapters, optimizer, loan.device, loan.dtype)
