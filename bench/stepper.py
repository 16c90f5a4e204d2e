"""The trainer's own stepper over a U-Net that is given, without files: the same code that a run uses."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from lora_trainer import options
from lora_trainer.data.loader import Batch
from lora_trainer.families.base import PictureSize
from lora_trainer.host.base import BaseInfo, Conditioning
from lora_trainer.objective import NoiseSchedule, Objective
from lora_trainer.training.model import build_model
from lora_trainer.training.scaler import LossScaler
from lora_trainer.training.step import Stepper


class GivenUNet:
    """The part of a loan that building a model asks for."""

    def __init__(self, unet: nn.Module, dtype: torch.dtype, family: str) -> None:
        self._unet, self.dtype, self.device = unet, dtype, next(unet.parameters()).device
        self.info = BaseInfo("random", family)

    def unet(self) -> nn.Module:
        return self._unet


class OneBatch:
    """A loader that always gives the same batch of one picture."""

    def __init__(self, resolution: int) -> None:
        side = resolution // 8
        size = (resolution, resolution)
        self._batch = Batch(
            latents=torch.randn(1, 4, side, side),
            captions=("",),
            sizes=(PictureSize(size, (0, 0), size),),
            weights=torch.ones(1),
            pictures=(0,),
        )

    def batch(self, step: int, micro: int = 0) -> Batch:
        return self._batch


def bare_stepper(unet: nn.Module, dtype: torch.dtype, resolution: int, rank: int, mode: str) -> Stepper:
    """A stepper that takes real steps on one picture of random latents."""
    config = options.build({"network": {"rank": rank}, "memory": {"checkpointing": mode}})
    loan: Any = GivenUNet(unet, dtype, "sd1")
    model = build_model(config, loan)
    conditioning = Conditioning(torch.randn(1, 77, 768))
    captions: Any = lambda texts, rows: conditioning  # noqa: E731
    loader: Any = OneBatch(resolution)
    objective = Objective(NoiseSchedule.scaled_linear().to(model.device), "epsilon", config.loss)
    return Stepper(config, model, loader, captions, objective, LossScaler(enabled=False), total_steps=1000)
