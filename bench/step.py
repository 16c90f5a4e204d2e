"""What one training step costs beside back-propagation through the frozen U-Net without any LoRA, the floor.

Full-size SD1.5 layout, random weights, rank 8, batch 1. Floor and steps of one dtype run on the same weights, in turn.
"""

from __future__ import annotations

import copy
import gc
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import report

if TYPE_CHECKING:
    import torch
    from torch import nn

RANK = 8
CAPTION_TOKENS = 77


@dataclass
class Contender:
    """Something to measure; `act` does it once."""

    name: str
    act: Callable[[], object]


def measure(rounds: int, threads: int, resolution: int) -> str:
    """The table of all contenders. The median of at least 4 rounds is worth quoting."""
    import torch

    torch.set_num_threads(threads)
    parts = [report.conditions(), f"SD1.5 layout, rank {RANK}, batch 1, {resolution} px, {rounds} rounds, CPU seconds"]
    seconds: dict[str, list[float]] = {}
    for dtype, modes in ((torch.float32, ("off", "largest", "all")), (torch.bfloat16, ("off", "largest"))):
        unet = random_unet(dtype)
        seconds |= _rounds(_contenders(unet, dtype, resolution, modes), rounds)
        del unet
        gc.collect()
    parts.append(report.table("one step", seconds, reference="floor float32"))
    return "\n".join(parts)


def _rounds(contenders: list[Contender], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of every contender, taken in turn, after one round that is not counted."""
    seconds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(rounds + 1):
        for contender in contenders:
            begin = time.process_time()
            contender.act()
            if number:
                seconds[contender.name].append(time.process_time() - begin)
    return seconds


def random_unet(dtype: torch.dtype) -> nn.Module:
    """SD1.5's U-Net with weights of the usual size, in evaluation mode, frozen."""
    import torch
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
    unet = unet.to_empty(device="cpu").to(dtype)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in unet.parameters():
            scale = 0.02 if parameter.ndim > 1 else 0.01
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale + (parameter.ndim == 1))
    return unet.requires_grad_(False).eval()


def _contenders(unet: nn.Module, dtype: torch.dtype, resolution: int, modes: tuple[str, ...]) -> list[Contender]:
    name = str(dtype).removeprefix("torch.")
    found = [Contender(f"floor {name}", _floor(unet, dtype, resolution))]
    for mode in modes:
        label = "" if mode == "off" else f", checkpointing {mode}"
        found.append(Contender(f"step {name}{label}", _step(unet, dtype, resolution, mode)))
    return found


def _floor(unet: nn.Module, dtype: torch.dtype, resolution: int) -> Callable[[], None]:
    """Forward and backward to the latents: what any adapter in the first layers needs at the least."""
    import torch
    import torch.nn.functional as F

    side = resolution // 8
    noisy, target = torch.randn(1, 4, side, side, dtype=dtype), torch.randn(1, 4, side, side)
    context, t = torch.randn(1, CAPTION_TOKENS, 768, dtype=dtype), torch.tensor([500])

    def act() -> None:
        latents = noisy.clone().requires_grad_(True)
        predicted = unet(latents, t, encoder_hidden_states=context, return_dict=False)[0]
        F.mse_loss(predicted.float(), target).backward()

    return act


def _step(unet: nn.Module, dtype: torch.dtype, resolution: int, mode: str) -> Callable[[], object]:
    """The trainer's own step: batch, noise, forward, loss, backward, clipping, AdamW."""
    from .stepper import bare_stepper

    stepper = bare_stepper(sharing(unet), dtype, resolution, RANK, mode)
    numbers = itertools.count()
    return lambda: stepper.take(next(numbers)).read()


def sharing(unet: nn.Module) -> nn.Module:
    """A second module over the very same weights, so that both sides of a comparison read the same memory."""
    return copy.deepcopy(unet, {id(parameter): parameter for parameter in unet.parameters()})
