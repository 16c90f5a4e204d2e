"""What samplers ask: the model's answer at a noise level, guided away from the negative prompt.

Sigma samplers ask for the clean picture, as k-diffusion has it; DDIM asks for the noise at a whole timestep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..config import V_PREDICTION
from ..host.base import Conditioning
from .levels import Levels

Predict = Callable[[torch.Tensor, torch.Tensor, Conditioning], torch.Tensor]
"""The U-Net: latents (n, 4, h, w), timesteps (n,) and the conditioning of n pictures -> epsilon or v (n, 4, h, w)."""


@dataclass(frozen=True)
class Drawing:
    """What is to be drawn, and with what. `alphas` is alpha-bar (1000,) on the CPU, `dtype` the U-Net's inputs'."""

    predict: Predict
    conditioning: Conditioning
    unconditional: Conditioning | None
    guidance: float
    alphas: torch.Tensor
    prediction_type: str
    dtype: torch.dtype

    def ask(self, x: torch.Tensor, timestep: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """The U-Net's own answer; the host gives it latents and timestep in its number format."""
        timesteps = timestep.to(x.device, self.dtype).expand(len(x))
        return self.predict(x.to(self.dtype), timesteps, conditioning)


def guided(
    drawing: Drawing, answer: Callable[[torch.Tensor, Conditioning], torch.Tensor], x: torch.Tensor
) -> torch.Tensor:
    """`answer` for x (n, 4, h, w), moved from the negative prompt's towards the prompt's and beyond.

    Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598): u + scale * (c - u). Both are asked in one batch
    unless they have different numbers of tokens.
    """
    wanted, unwanted = drawing.conditioning, drawing.unconditional
    if unwanted is None or drawing.guidance == 1:
        return answer(x, wanted)
    if wanted.context.shape == unwanted.context.shape:
        towards, away = answer(torch.cat([x, x]), _joined(wanted, unwanted)).chunk(2)
    else:
        towards, away = answer(x, wanted), answer(x, unwanted)
    return away + (towards - away) * drawing.guidance


def _joined(first: Conditioning, second: Conditioning) -> Conditioning:
    pooled = None
    if first.pooled is not None and second.pooled is not None:
        pooled = torch.cat([first.pooled, second.pooled])
    return Conditioning(torch.cat([first.context, second.context]), pooled)


class SigmaDenoiser:
    """The clean picture that the model sees in x = clean + sigma * noise; sigma is a 0-dim fp32 tensor on the CPU."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.levels = Levels(drawing.alphas)

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return guided(self.drawing, lambda x, conditioning: self._clean(x, sigma, conditioning), x)

    def _clean(self, x: torch.Tensor, sigma: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        """x is scaled to the deviation of 1 that the model knows; its answer is scaled back."""
        deviation = (sigma**2 + 1) ** 0.5
        output = self.drawing.ask(x * (1 / deviation), self.levels.timestep(sigma), conditioning).float()
        if self.drawing.prediction_type == V_PREDICTION:
            return x * (1 / (sigma**2 + 1)) - output * (sigma / deviation)
        return x - output * sigma


class TimestepDenoiser:
    """The noise that the model sees in x = sqrt(alpha-bar) clean + sqrt(1 - alpha-bar) noise at a whole timestep."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    def __call__(self, x: torch.Tensor, timestep: int) -> torch.Tensor:
        return guided(self.drawing, lambda x, conditioning: self._noise(x, timestep, conditioning), x).float()

    def _noise(self, x: torch.Tensor, timestep: int, conditioning: Conditioning) -> torch.Tensor:
        output = self.drawing.ask(x, torch.tensor(float(timestep)), conditioning)
        if self.drawing.prediction_type == V_PREDICTION:
            alpha = self.drawing.alphas[timestep]
            return alpha.sqrt() * output.float() + (1 - alpha).sqrt() * x
        return output
