"""Small LoRA modules to write and read."""

from __future__ import annotations

import torch

from lora_trainer.files.dora import DoraModule
from lora_trainer.files.lora import LoraModule

QUERY = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"


def linear(seed: int = 0, rank: int = 4, inputs: int = 12, outputs: int = 10, alpha: float = 2.0) -> LoraModule:
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(rank, inputs, generator=generator)
    return LoraModule(down, torch.randn(outputs, rank, generator=generator), alpha)


def conv(seed: int = 0, rank: int = 4, kernel: int = 3, alpha: float = 1.0) -> LoraModule:
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(rank, 6, kernel, kernel, generator=generator)
    return LoraModule(down, torch.randn(8, rank, 1, 1, generator=generator), alpha)


def tucker(seed: int = 0, rank: int = 4, alpha: float = 1.0) -> LoraModule:
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(rank, 6, 1, 1, generator=generator)
    mid = torch.randn(rank, rank, 3, 3, generator=generator)
    return LoraModule(down, torch.randn(8, rank, 1, 1, generator=generator), alpha, mid)


def dora(seed: int = 0, inputs: int = 12, outputs: int = 10) -> DoraModule:
    scale = 1 + torch.rand(1, inputs, generator=torch.Generator().manual_seed(seed))
    return DoraModule(linear(seed, inputs=inputs, outputs=outputs), scale)
