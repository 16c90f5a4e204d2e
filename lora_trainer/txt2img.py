"""Pictures from prompts with a lent base, as the WebUI's txt2img would draw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from .devices import noise_source
from .families.base import PictureSize
from .host.base import Conditioning, Loan
from .sampling.draw import draw
from .sampling.infotext import Infotext, lora_tag
from .sampling.pictures import to_images
from .sampling.request import Request
from .text.encode import unconditional

if TYPE_CHECKING:
    import torch
    from PIL import Image

Predict = Callable[["torch.Tensor", "torch.Tensor", Conditioning, Sequence[PictureSize]], "torch.Tensor"]
"""Noisy latents, timesteps, conditioning and sizes -> the base's prediction."""


@dataclass(frozen=True)
class Wording:
    """Conditioning of a prompt and of its negative prompt, one row each."""

    wanted: Conditioning
    unwanted: Conditioning

    def to(self, device: torch.device) -> Wording:
        return Wording(self.wanted.to(device), self.unwanted.to(device))


def encode_wording(
    loan: Loan, request: Request, encode: Callable[[Sequence[str]], Conditioning] | None = None
) -> Wording:
    """Encode prompt and negative prompt; `encode` takes the place of the loan's own text encoders.

    Each by itself, as the host does: together, the shorter would be filled up to the length of the longer.
    """
    encode = encode or partial(loan.encode_prompts, clip_skip=request.clip_skip)
    negative = [request.negative_prompt]
    return Wording(encode([request.prompt]), unconditional(loan.info.family, negative, encode(negative)))


def draw_latents(loan: Loan, predict: Predict, wording: Wording, request: Request, count: int = 1) -> torch.Tensor:
    """Latents (count, 4, h / 8, w / 8) of pictures with the seeds from `request.seed` on."""
    size = (request.height, request.width)
    sizes = [PictureSize(original=size, crop=(0, 0), target=size)]
    device = loan.device
    return draw(
        lambda x, t, conditioning: predict(x, t, conditioning, sizes * len(x)),
        _repeated(wording.wanted.to(device), count),
        wording.unwanted.to(device),
        width=request.width,
        height=request.height,
        seed=request.seed,
        steps=request.steps,
        guidance=request.guidance,
        sampler=request.sampler,
        device=device,
        dtype=loan.dtype,
        prediction_type=loan.info.prediction_type,
        zero_terminal_snr=loan.info.zero_terminal_snr,
        noise_source=noise_source(device),
    )


def decode(loan: Loan, latents: torch.Tensor) -> list[Image.Image]:
    """The pictures that latents (n, 4, h, w) stand for, decoded one at a time for the sake of memory."""
    return [image for row in latents.split(1) for image in to_images(loan.decode_latents(row))]


def infotext_of(request: Request, loan: Loan, loras: Mapping[str, tuple[float, str]] | None = None) -> Infotext:
    """What the WebUI needs to draw this again; `loras` are strength and `sshs_model_hash` of LoRAs by their names."""
    loras = loras or {}
    tags = [lora_tag(name, strength) for name, (strength, _) in loras.items()]
    return Infotext(
        replace(request, prompt=" ".join(filter(None, [request.prompt, *tags]))),
        model=loan.info.name,
        model_sha256=loan.sha256(),
        zero_terminal_snr=loan.info.zero_terminal_snr,
        lora_hashes={name: sha256 for name, (_, sha256) in loras.items() if sha256},
    )


def _repeated(conditioning: Conditioning, count: int) -> Conditioning:
    return conditioning[[0] * count] if count > 1 else conditioning
