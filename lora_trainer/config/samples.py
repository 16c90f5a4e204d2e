"""The options under `samples`."""

from __future__ import annotations

from dataclasses import dataclass

from .option import BASIC, option


@dataclass
class SampleOptions:
    """Pictures drawn on the way."""

    prompts: list[str] = option([], "Prompts; empty: the first captions.", level=BASIC)
    negative_prompt: str = option("", "What the pictures should not show.")
    every: int = option(0, "Steps between samples; 0: with every save.", least=0, most=1000000)
    seed: int = option(1, "Seed of the samples.", least=0, most=2**32 - 1)
    width: int = option(0, "Width in pixels; 0: the resolution.", least=0, most=4096)
    height: int = option(0, "Height in pixels; 0: the resolution.", least=0, most=4096)
    steps: int = option(20, "Sampling steps.", least=1, most=200)
    guidance: float = option(7.0, "Guidance scale (CFG).", least=1.0, most=50.0)
    sampler: str = option("euler", "Sampler.")
