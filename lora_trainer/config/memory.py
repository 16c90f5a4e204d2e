"""The options under `memory`."""

from __future__ import annotations

from dataclasses import dataclass

from .option import option

CHECKPOINTING = ("off", "largest", "all")
"""Which activations are computed twice, from none to all of them."""


@dataclass
class MemoryOptions:
    """Precision and memory."""

    device: str = option("auto", "Where to compute: auto, cpu, cuda, cuda:1, mps, xpu ...")
    precision: str = option(
        "auto", "Arithmetic of the base; adapters are always fp32.", choices=("auto", "fp32", "bf16", "fp16")
    )
    checkpointing: str = option(
        "off",
        "Recompute activations instead of keeping them: in all blocks, or only in those that keep most.",
        choices=CHECKPOINTING,
    )
    packing: bool = option(
        True,
        "On a CPU in bf16: keep the base's weights packed for the processor, forward and backward, which takes twice "
        "their memory and makes steps about half as long.",
    )
