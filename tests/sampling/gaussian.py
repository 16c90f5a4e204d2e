"""A world whose pixels all come from one normal distribution: the perfect model and its ODE are known in full."""

from __future__ import annotations

import torch

from lora_trainer.config import EPSILON
from lora_trainer.host.base import Conditioning
from lora_trainer.sampling.levels import Levels, sampling_alphas

MEAN, DEVIATION = 0.5, 0.3
CPU = torch.device("cpu")


def conditioning(count=1, tokens=77, value=0.0):
    return Conditioning(torch.full((count, tokens, 4), value))


def perfect_model(prediction_type=EPSILON):
    """What a perfect U-Net answers: the mean of noise (or v) given the noisy latents."""
    levels = Levels(sampling_alphas())

    def predict(latents, timesteps, conditioning):
        sigma = levels.sigma(timesteps.float())[:, None, None, None]
        signal = (1 / (1 + sigma**2)).sqrt()
        x = latents / signal
        clean = seen(x, sigma)
        noise = (x - clean) / sigma
        return noise if prediction_type == EPSILON else signal * noise - signal * sigma * clean

    return predict


def seen(x, sigma):
    """The mean of the clean pixels that may lie below x = clean + sigma * noise."""
    return (DEVIATION**2 * x + sigma**2 * MEAN) / (DEVIATION**2 + sigma**2)


def solution(start, sigma_start, sigma_end):
    """Where the probability-flow ODE carries `start`: distances from the mean shrink with the total deviation."""
    shrink = ((DEVIATION**2 + sigma_end**2) / (DEVIATION**2 + sigma_start**2)) ** 0.5
    return MEAN + (start - MEAN) * shrink
