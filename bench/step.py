"""What one training step costs beside back-propagation through the frozen U-Net without any LoRA, the floor.

Full-size SD1.5 layout, random weights, rank 8, batch 1. The plain floors run on diffusers' own layers; floors and steps
of one dtype run on the same weights and the same kind of layers, in turn, in one process.
"""

from __future__ import annotations

import copy
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
SOME = 1_000_003
"""How many random numbers the weights are made of; a prime, so that rows differ."""
MODES = ("off", "largest", "all")
"""Of checkpointing."""


@dataclass
class Contender:
    """Something to measure; `act` does it once. `floor` names the contender that it is compared with."""

    name: str
    act: Callable[[], object]
    floor: str


def measure(rounds: int, threads: int, resolution: int) -> str:
    """The table of all contenders. The median of at least 4 rounds is worth quoting."""
    import torch

    torch.set_num_threads(threads)
    contenders = [one for dtype in (torch.float32, torch.bfloat16) for one in _contenders(dtype, resolution)]
    seconds = _rounds(contenders, rounds)
    return "\n".join(
        [
            report.conditions(),
            f"SD1.5 layout, rank {RANK}, batch 1, {resolution} px, {rounds} rounds in turn, CPU seconds of the process",
            report.table("one step", seconds, contenders[0].name, {one.name: one.floor for one in contenders}),
        ]
    )


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
    """SD1.5's U-Net with weights of the usual size, in evaluation mode, frozen.

    All are cut from one row of random numbers: to draw 860 million takes longer than the measurement.
    """
    import torch

    from lora_trainer.twin.unet import meta_unet
    from lora_trainer.twin.unet_keys import SD1

    unet = meta_unet(SD1, heads=8).to(dtype).to_empty(device="cpu")
    row = torch.randn(SOME, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for parameter in unet.parameters():
            numbers = row.repeat(parameter.numel() // SOME + 1)[: parameter.numel()].view(parameter.shape)
            parameter.copy_(numbers * (0.02 if parameter.ndim > 1 else 0.01) + (parameter.ndim == 1))
    return unet.requires_grad_(False).eval()


def _contenders(dtype: torch.dtype, resolution: int) -> list[Contender]:
    """The plain floor, the floor on the trainer's layers, and the trainer's steps; all share the weights."""
    from lora_trainer.twin.packing import pack
    from lora_trainer.twin.small_maps import use_products

    name = str(dtype).removeprefix("torch.")
    plain, same = f"floor {name}, diffusers' layers", f"floor {name}, the trainer's layers"
    unet = random_unet(dtype)
    found = [Contender(plain, _floor(unet, dtype, resolution), plain)]
    ours = use_products(sharing(unet))
    pack(ours)
    floor = _floor(ours, dtype, resolution)
    floor()  # now everything is packed that will be, and can be shared
    found.append(Contender(same, floor, plain))
    for mode in MODES:
        label = "" if mode == "off" else f", checkpointing {mode}"
        found.append(Contender(f"step {name}{label}", _step(ours, dtype, resolution, mode), same))
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
    """A second module over the very same weights, packed ones too, so that all sides read the same memory."""
    from lora_trainer.twin.packing import Packed

    kept: list[object] = list(unet.parameters())
    for layer in unet.modules():
        if isinstance(layer, Packed):
            kept += [layer._there, layer._back]
    return copy.deepcopy(unet, {id(one): one for one in kept if one is not None})
