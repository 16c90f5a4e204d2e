"""What a diffusion model is asked to predict, and how far off it is: pure maths on given tensors and generators.

Symbols: x0 clean latents (n, c, h, w), t timesteps (n,), alpha-bar the share of signal left at t (Ho et al. 2020,
arXiv:2006.11239), SNR = alpha-bar / (1 - alpha-bar).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F

from .config import EPSILON, LossOptions

TIMESTEPS = 1000
# Bounds of the SNR under debiased weights, whose 1 / sqrt(SNR) has none: above the limit kohya uses the weight hardly
# falls any more; below, a zero terminal SNR would weigh infinitely.
LEAST_SNR, MOST_SNR = 1e-3, 1e3


@dataclass(frozen=True)
class NoiseSchedule:
    """How much signal is left at every timestep: `alphas_cumprod` (1000,), fp32, falling."""

    alphas_cumprod: torch.Tensor

    @classmethod
    def scaled_linear(cls, *, zero_terminal_snr: bool = False) -> NoiseSchedule:
        """The schedule of all Stable Diffusion 1, 2 and XL bases: beta from 0.00085 to 0.012, linear in its root."""
        betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
        alphas_cumprod = torch.cumprod(1 - betas, dim=0)
        if zero_terminal_snr:
            alphas_cumprod = rescale_to_zero_terminal_snr(alphas_cumprod)
        return cls(alphas_cumprod.float())

    def to(self, device: torch.device) -> NoiseSchedule:
        return NoiseSchedule(self.alphas_cumprod.to(device))

    def signal(self, t: torch.Tensor) -> torch.Tensor:
        """sqrt(alpha-bar) at timesteps t, as (n, 1, 1, 1)."""
        return self.alphas_cumprod[t].sqrt().reshape(-1, 1, 1, 1)

    def sigma(self, t: torch.Tensor) -> torch.Tensor:
        """sqrt(1 - alpha-bar) at timesteps t, as (n, 1, 1, 1)."""
        return (1 - self.alphas_cumprod[t]).sqrt().reshape(-1, 1, 1, 1)

    def snr(self, t: torch.Tensor) -> torch.Tensor:
        """Signal-to-noise ratio at timesteps t, (n,); 0 at the end of a zero-terminal-SNR schedule."""
        alphas_cumprod = self.alphas_cumprod[t]
        return alphas_cumprod / (1 - alphas_cumprod)

    def add_noise(self, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.signal(t) * x0 + self.sigma(t) * noise

    def target(self, prediction_type: str, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """What the model should predict: the noise, or v (Salimans & Ho 2022, arXiv:2202.00512, app. D)."""
        if prediction_type == EPSILON:
            return noise
        return self.signal(t) * noise - self.sigma(t) * x0


def rescale_to_zero_terminal_snr(alphas_cumprod: torch.Tensor) -> torch.Tensor:
    """Shift and scale sqrt(alpha-bar) so that the last is 0 and the first stays (Lin et al. 2023, arXiv:2305.08891)."""
    root = alphas_cumprod.sqrt()
    return ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2


def min_snr_weights(snr: torch.Tensor, gamma: float, prediction_type: str) -> torch.Tensor:
    """Min-SNR weights of the given loss (Hang et al. 2023, arXiv:2303.09556): min(SNR, gamma) on the x0 loss.

    That is over SNR for epsilon and over SNR + 1 for v. An SNR of 0 gives 1 and 0, the limits of the formulas.
    """
    if prediction_type == EPSILON:
        return (gamma / snr).clamp(max=1.0)
    return snr.clamp(max=gamma) / (snr + 1)


def debiased_weights(snr: torch.Tensor, prediction_type: str) -> torch.Tensor:
    """Debiased-estimation weights (Yu et al. 2023, arXiv:2310.08442): 1 / sqrt(SNR) on the epsilon loss.

    The same weighting of a v loss, whose square is (SNR + 1) / SNR times that of epsilon, is sqrt(SNR) / (SNR + 1).
    """
    snr = snr.clamp(LEAST_SNR, MOST_SNR)
    return snr.rsqrt() if prediction_type == EPSILON else snr.sqrt() / (snr + 1)


def draw_timesteps(count: int, least: int, most: int, generator: torch.Generator) -> torch.Tensor:
    """`count` timesteps, each of least..most (inclusive) equally likely; on the generator's device."""
    return torch.randint(least, most + 1, (count,), generator=generator, device=generator.device)


def stratified_timesteps(count: int, least: int, most: int) -> torch.Tensor:
    """`count` fixed timesteps, the middles of equal parts of least..most: what validation measures at."""
    return (least + (torch.arange(count) + 0.5) * (most + 1 - least) / count).long().clamp(max=most)


def draw_noise(shape: Sequence[int], generator: torch.Generator, offset: float = 0.0) -> torch.Tensor:
    """Normal noise (n, c, h, w), fp32; with `offset`, each channel's mean is shifted by offset * normal.

    Source of the offset: N. Guttenberg, "Diffusion with Offset Noise" (2023).
    """
    noise = torch.randn(tuple(shape), generator=generator, device=generator.device)
    if offset:
        means = torch.randn((*shape[:2], 1, 1), generator=generator, device=generator.device)
        noise = noise + offset * means
    return noise


def add_pyramid(noise: torch.Tensor, levels: int, discount: float, generator: torch.Generator) -> torch.Tensor:
    """Noise (n, c, h, w) with layers under it: layer i is discount^i as strong and r^i times as coarse, r from 2 to 4.

    The first is as fine as the noise itself, and after one that is a single number wide there is no other. Each
    picture's sum is scaled to a deviation of 1. Source: J. Whitaker, "Multi-Resolution Noise for Diffusion Model
    Training" (2023), counted as kohya does, so that the same numbers mean the same.
    """
    height, width = noise.shape[2:]
    for level in range(levels):
        coarser = (2 + 2 * torch.rand((), generator=generator, device=generator.device).item()) ** level
        size = (max(1, int(height / coarser)), max(1, int(width / coarser)))
        layer = torch.randn((*noise.shape[:2], *size), generator=generator, device=generator.device)
        noise = noise + discount**level * F.interpolate(layer, (height, width), mode="bilinear", align_corners=False)
        if 1 in size:
            break
    return noise / noise.std(dim=(1, 2, 3), keepdim=True)


def per_sample_loss(
    prediction: torch.Tensor,
    target: torch.Tensor,
    kind: str = "l2",
    huber_delta: float = 0.1,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """The mean loss of each sample, (n,) fp32, of `prediction` and `target` (n, c, h, w).

    `mask` (n, 1, h, w), 0..1, weighs places; the mean is over what it keeps, and 0 where it keeps nothing.
    Huber is the square up to `huber_delta` and linear beyond, continued smoothly, so that rates suit both.
    """
    loss = _elementwise(prediction.float() - target.float(), kind, huber_delta)
    if mask is None:
        return loss.mean(dim=(1, 2, 3))
    mask = mask.to(loss).expand_as(loss)
    return (loss * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp(min=1e-6)


def _elementwise(difference: torch.Tensor, kind: str, delta: float) -> torch.Tensor:
    if kind == "l2":
        return difference.square()
    size = difference.abs()
    if kind == "l1":
        return size
    return torch.where(size <= delta, size.square(), delta * (2 * size - delta))


@dataclass(frozen=True)
class Task:
    """What a micro-batch is asked: `noisy` and `target` (n, c, h, w), `timesteps` (n,), `weights` (n,) of the loss."""

    noisy: torch.Tensor
    target: torch.Tensor
    timesteps: torch.Tensor
    weights: torch.Tensor

    def __getitem__(self, rows: slice) -> Task:
        """What some of the pictures are asked."""
        return Task(self.noisy[rows], self.target[rows], self.timesteps[rows], self.weights[rows])


@dataclass(frozen=True)
class Objective:
    """The whole of it for one base: draws tasks and judges predictions. `schedule` lies on the latents' device."""

    schedule: NoiseSchedule
    prediction_type: str
    options: LossOptions

    def draw(self, x0: torch.Tensor, generator: torch.Generator) -> Task:
        """A training task for clean latents x0 (n, c, h, w), fp32, with timesteps and noise from `generator`."""
        options = self.options
        t = draw_timesteps(len(x0), options.timestep_least, options.timestep_most, generator)
        noise = draw_noise(x0.shape, generator, options.noise_offset)
        if options.pyramid_levels:
            noise = add_pyramid(noise, options.pyramid_levels, options.pyramid_discount, generator)
        task = self.task(x0, noise, t, self.weights(t.to(x0.device)))
        return self._perturbed(task, generator) if options.input_perturbation else task

    def _perturbed(self, task: Task, generator: torch.Generator) -> Task:
        """The same question about inputs with more noise than it tells of, as far off as a sampler's own are.

        Ning et al. 2023, arXiv:2301.11706: the input has noise + gamma * normal, the target noise alone.
        """
        more = draw_noise(task.noisy.shape, generator).to(task.noisy.device)
        amount = self.options.input_perturbation * self.schedule.sigma(task.timesteps)
        return replace(task, noisy=task.noisy + amount * more)

    def fixed_task(self, x0: torch.Tensor, stratum: int, strata: int, generator: torch.Generator) -> Task:
        """A validation task: all of x0 (n, c, h, w) at the timestep in the middle of part `stratum` of `strata` equal
        parts of the trained range; unweighted, without offset."""
        t = stratified_timesteps(strata, self.options.timestep_least, self.options.timestep_most)[stratum]
        return self.task_at(x0, int(t), generator)

    def task_at(self, x0: torch.Tensor, timestep: int, generator: torch.Generator) -> Task:
        """All of x0 (n, c, h, w) at one timestep, whether or not it is trained; unweighted, without offset."""
        t = torch.full((len(x0),), timestep)
        return self.task(x0, draw_noise(x0.shape, generator), t, torch.ones(len(x0), device=x0.device))

    def task(self, x0: torch.Tensor, noise: torch.Tensor, t: torch.Tensor, weights: torch.Tensor) -> Task:
        noise, t = noise.to(x0.device), t.to(x0.device)
        target = self.schedule.target(self.prediction_type, x0, noise, t)
        return Task(self.schedule.add_noise(x0, noise, t), target, t, weights)

    def weights(self, t: torch.Tensor) -> torch.Tensor:
        """Weight of the loss at each of timesteps t (n,)."""
        snr = self.schedule.snr(t)
        if self.options.debiased:
            return debiased_weights(snr, self.prediction_type)
        if self.options.min_snr_gamma:
            return min_snr_weights(snr, self.options.min_snr_gamma, self.prediction_type)
        return torch.ones_like(snr)

    def losses(self, prediction: torch.Tensor, task: Task, mask: torch.Tensor | None = None) -> torch.Tensor:
        """The weighted loss of each sample, (n,) fp32; times the samples' own weights its mean is what is trained."""
        plain = per_sample_loss(prediction, task.target, self.options.type, self.options.huber_delta, mask)
        return plain * task.weights
