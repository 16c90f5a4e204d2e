"""The options under `optimizer`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .option import BASIC, option


@dataclass
class OptimizerOptions:
    """How the weights move."""

    name: str = option(
        "adamw", "Optimizer: a known name or the import path of a class.", level=BASIC, also=("optimizer_type",)
    )
    learning_rate: float = option(
        1e-4, "Learning rate of the U-Net.", level=BASIC, least=0.0, most=10.0, also=("learning_rate",)
    )
    text_encoder_rate: float = option(5e-5, "Learning rate of the text encoder(s).", level=BASIC, least=0.0, most=10.0)
    text_encoder_2_rate: float = option(
        0.0, "Learning rate of SDXL's second text encoder; 0: as the first.", least=0.0, most=10.0
    )
    loraplus_ratio: float = option(
        1.0,
        "Factor on the rate of the matrices that begin at zero (LoRA+); 16 is usual there, with a lower learning rate. "
        "1: all alike.",
        least=0.01,
        most=1000.0,
        also=("loraplus_lr_ratio",),
    )
    weight_decay: float = option(0.01, "Pull of the weights towards zero.", least=0.0, most=10.0)
    arguments: dict[str, Any] = option({}, "Further arguments of the optimizer, e.g. {betas: [0.9, 0.99]}.")
    schedule: str = option("cosine", "Course of the learning rate.", level=BASIC, also=("lr_scheduler",))
    warmup: float = option(
        0.05, "Steps in which the rate rises from 0; below 1: a share of all steps.", least=0.0, most=100000.0
    )
    cycles: int = option(3, "Number of cycles of 'cosine_with_restarts'.", least=1, most=1000)
    power: float = option(1.0, "Exponent of 'polynomial'.", least=0.01, most=10.0)
    least_rate: float = option(0.0, "Rate at the end as a share of the learning rate.", least=0.0, most=1.0)
    clip_norm: float = option(
        1.0, "Longest gradient; longer ones are scaled down. 0: no limit.", least=0.0, most=1000.0
    )
    accumulation: int = option(1, "Micro-batches in a step.", least=1, most=1024, also=("gradient_accumulation_steps",))
