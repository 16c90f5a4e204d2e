"""Noise levels: what sampling steps through. sigma is the noise's deviation beside a signal of 1 (Karras et al. 2022).

Written after k-diffusion's discrete schedules, which the WebUI samples with.
"""

from __future__ import annotations

import torch

from ..objective import NoiseSchedule, rescale_to_zero_terminal_snr

LAST_ALPHA = 4.8973451890853435e-08
"""What the host puts in place of 0 at the last timestep of a zero-terminal-SNR schedule: sigma stays finite, 4519."""


def sampling_alphas(*, zero_terminal_snr: bool = False) -> torch.Tensor:
    """Share of signal alpha-bar (1000,) fp32 that the host samples with."""
    alphas = NoiseSchedule.scaled_linear().alphas_cumprod
    if zero_terminal_snr:
        alphas = rescale_to_zero_terminal_snr(alphas)
        alphas[-1] = LAST_ALPHA
    return alphas


class Levels:
    """The sigmas of a model's 1000 timesteps, rising, and the way between sigmas and (fractional) timesteps."""

    def __init__(self, alphas: torch.Tensor) -> None:
        self.sigmas = ((1 - alphas) / alphas) ** 0.5
        self.log_sigmas = self.sigmas.log()

    def timestep(self, sigma: torch.Tensor) -> torch.Tensor:
        """The fractional timestep of one sigma (0-dim), linear in log sigma between two whole ones."""
        log_sigma = sigma.log()
        low = int((log_sigma >= self.log_sigmas).sum().clamp(1, len(self.log_sigmas) - 1)) - 1
        before, after = self.log_sigmas[low], self.log_sigmas[low + 1]
        share = ((before - log_sigma) / (before - after)).clamp(0, 1)
        return (1 - share) * low + share * (low + 1)

    def sigma(self, timestep: torch.Tensor) -> torch.Tensor:
        """The sigmas of fractional timesteps of any shape; the inverse of `timestep`."""
        low, high, share = timestep.floor().long(), timestep.ceil().long(), timestep.frac()
        return ((1 - share) * self.log_sigmas[low] + share * self.log_sigmas[high]).exp()


def uniform(levels: Levels, steps: int) -> torch.Tensor:
    """`steps` sigmas at even timesteps from the last to the first, and 0: (steps + 1,)."""
    return _and_zero(levels.sigma(torch.linspace(len(levels.sigmas) - 1, 0, steps)))


def karras(levels: Levels, steps: int, rho: float = 7.0) -> torch.Tensor:
    """`steps` sigmas whose rho-th roots are even, and 0: (steps + 1,) (Karras et al. 2022, arXiv:2206.00364, eq. 5)."""
    least, most = levels.sigmas[0].item() ** (1 / rho), levels.sigmas[-1].item() ** (1 / rho)
    return _and_zero((most + torch.linspace(0, 1, steps) * (least - most)) ** rho)


def _and_zero(sigmas: torch.Tensor) -> torch.Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])
