"""One picture or several, from noise to latents."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..config import EPSILON
from ..errors import UserError
from ..host.base import Conditioning
from .denoiser import Drawing, Predict
from .levels import sampling_alphas
from .noise import Noise
from .samplers import SAMPLERS

Report = Callable[[int, int, torch.Tensor], None]
"""Called after every step with its number from 1, the number of steps, and the clean latents as seen by then."""


@torch.no_grad()
def draw(
    predict: Predict,
    conditioning: Conditioning,
    unconditional: Conditioning | None,
    *,
    width: int,
    height: int,
    seed: int,
    steps: int,
    guidance: float,
    sampler: str,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    prediction_type: str = EPSILON,
    zero_terminal_snr: bool = False,
    noise_source: torch.device | None = None,
    alphas: torch.Tensor | None = None,
    report: Report | None = None,
) -> torch.Tensor:
    """Latents (n, 4, height / 8, width / 8) fp32 of n pictures, as the WebUI's txt2img would draw them.

    Picture i has the seed `seed` + i. `width` and `height` are in pixels; `unconditional` holds one negative prompt or
    n. `predict` gets `dtype` latents and timesteps, and 2 n pictures at once (prompts first, then negative prompts).
    `noise_source` is the device whose generator draws, `device` unless told (the host takes the CPU's for Apple's
    devices); `alphas` is alpha-bar (1000,) where a checkpoint brings its own. What `report` raises ends the drawing.
    Raises UserError for an unknown sampler, or for too few steps.
    """
    entry, count = SAMPLERS.get(sampler), len(conditioning.context)
    if entry.length(steps) < 1:
        raise UserError(f"{entry.label} cannot draw in {steps} step(s): give it more.")
    alphas = sampling_alphas(zero_terminal_snr=zero_terminal_snr) if alphas is None else alphas.cpu().float()
    noise = Noise((4, height // 8, width // 8), range(seed, seed + count), noise_source or device)
    unwanted = None if unconditional is None else _repeated(unconditional, count)
    drawing = Drawing(predict, conditioning, unwanted, guidance, alphas, prediction_type, dtype)
    for step, (latents, clean) in enumerate(entry.draw(drawing, noise, steps, device), start=1):
        drawn = latents
        if report is not None:
            report(step, entry.length(steps), clean)
    return drawn


def _repeated(conditioning: Conditioning, count: int) -> Conditioning:
    """A negative prompt given once, for all pictures."""
    return conditioning[[0] * count] if len(conditioning.context) == 1 and count > 1 else conditioning
