"""Samplers, a row per entry, each under the name that the WebUI knows it by.

Steps of the sigma samplers: Karras et al. 2022 (arXiv:2206.00364), Lu et al. 2022 (DPM-Solver++, arXiv:2211.01095), as
k-diffusion has them; DDIM: Song et al. 2020 (arXiv:2010.02502), as the host has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch

from ..registry import Registry
from .denoiser import Drawing, SigmaDenoiser, TimestepDenoiser
from .levels import karras, uniform
from .noise import Noise

Way = Iterator[tuple[torch.Tensor, torch.Tensor]]
"""After every step: the latents, and the clean picture that the model saw on the way to them."""

SigmaStepper = Callable[[SigmaDenoiser, torch.Tensor, torch.Tensor, Noise], Way]


@dataclass(frozen=True)
class Sampler:
    """`label` and `schedule` are the host's 'Sampler' and 'Schedule type'; `draw` yields once a step."""

    name: str
    label: str
    schedule: str
    draw: Callable[[Drawing, Noise, int, torch.device], Way]
    length: Callable[[int], int] = lambda steps: steps
    """How many steps are really taken when so many are asked for."""


SAMPLERS: Registry[Sampler] = Registry("sampler")


def _over_sigmas(stepper: SigmaStepper, spacing: Callable[..., torch.Tensor]) -> Callable[..., Way]:
    """A sampler from its step and the spacing of its sigmas; it begins with noise as strong as the first of them."""

    def draw(drawing: Drawing, noise: Noise, steps: int, device: torch.device) -> Way:
        denoiser = SigmaDenoiser(drawing)
        sigmas = spacing(denoiser.levels, steps)
        return stepper(denoiser, noise.next().to(device) * sigmas[0], sigmas, noise)

    return draw


def euler(denoise: SigmaDenoiser, x: torch.Tensor, sigmas: torch.Tensor, noise: Noise) -> Way:
    """Straight steps along the slope at the higher sigma."""
    for sigma, lower in pairwise(sigmas):
        clean = denoise(x, sigma)
        x = x + (x - clean) / sigma * (lower - sigma)
        yield x, clean


def euler_ancestral(denoise: SigmaDenoiser, x: torch.Tensor, sigmas: torch.Tensor, noise: Noise) -> Way:
    """Straight steps to below the next sigma, and fresh noise up to it."""
    for sigma, lower in pairwise(sigmas):
        clean = denoise(x, sigma)
        fresh = min(lower, (lower**2 * (sigma**2 - lower**2) / sigma**2) ** 0.5)
        below = (lower**2 - fresh**2) ** 0.5
        x = x + (x - clean) / sigma * (below - sigma)
        if lower > 0:
            x = x + noise.next().to(x.device) * fresh
        yield x, clean


def heun(denoise: SigmaDenoiser, x: torch.Tensor, sigmas: torch.Tensor, noise: Noise) -> Way:
    """Steps along the mean of the slopes at both ends; the last one, to 0, along the first slope."""
    for sigma, lower in pairwise(sigmas):
        clean = denoise(x, sigma)
        slope, step = (x - clean) / sigma, lower - sigma
        if lower > 0:
            end = x + slope * step
            slope = (slope + (end - denoise(end, lower)) / lower) / 2
        x = x + slope * step
        yield x, clean


def dpmpp_2m(denoise: SigmaDenoiser, x: torch.Tensor, sigmas: torch.Tensor, noise: Noise) -> Way:
    """Exponential steps in log sigma; the clean picture is extrapolated from this step's and the last one's."""
    last_clean, last_width = None, sigmas.new_zeros(())
    for sigma, lower in pairwise(sigmas):
        clean, width = denoise(x, sigma), sigma.log() - lower.log()
        target = clean
        if last_clean is not None and lower > 0:
            share = width / (2 * last_width)
            target = (1 + share) * clean - share * last_clean
        x = lower / sigma * x - (-width).expm1() * target
        last_clean, last_width = clean, width
        yield x, clean


def _ddim_timesteps(steps: int) -> list[int]:
    """Every (1000 // steps)-th timestep from 1 on, rising. The host's count: 30 gives 31 of them, 20 gives 20."""
    return [min(timestep + 1, 999) for timestep in range(0, 1000, 1000 // steps)]


def _ddim(drawing: Drawing, noise: Noise, steps: int, device: torch.device) -> Way:
    """Deterministic DDIM from noise of deviation 1 at the last timestep to the first, which is not asked any more."""
    denoise, x = TimestepDenoiser(drawing), noise.next().to(device)
    falling = _ddim_timesteps(steps)[::-1]
    for timestep, lower in pairwise(falling):
        alpha, alpha_lower = drawing.alphas[timestep], drawing.alphas[lower]
        predicted = denoise(x, timestep)
        clean = (x - (1 - alpha).sqrt() * predicted) / alpha.sqrt()
        x = alpha_lower.sqrt() * clean + (1 - alpha_lower).sqrt() * predicted
        yield x, clean


for _row in (
    Sampler("euler", "Euler", "Automatic", _over_sigmas(euler, uniform)),
    Sampler("euler_a", "Euler a", "Automatic", _over_sigmas(euler_ancestral, uniform)),
    Sampler("heun", "Heun", "Automatic", _over_sigmas(heun, uniform)),
    Sampler("dpmpp_2m", "DPM++ 2M", "Uniform", _over_sigmas(dpmpp_2m, uniform)),
    Sampler("dpmpp_2m_karras", "DPM++ 2M", "Karras", _over_sigmas(dpmpp_2m, karras)),
    Sampler("ddim", "DDIM", "Automatic", _ddim, length=lambda steps: len(_ddim_timesteps(steps)) - 1),
):
    SAMPLERS.add(_row.name, _row)
