"""What is asked of a sampler: one class for samples, grids, infotexts and hosts."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import SampleOptions


@dataclass(frozen=True)
class Request:
    """One picture. `width` and `height` in pixels, multiples of 8; `sampler` is a name in SAMPLERS."""

    prompt: str
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    sampler: str
    clip_skip: int = 1

    @classmethod
    def from_options(cls, prompt: str, options: SampleOptions, resolution: int, clip_skip: int) -> Request:
        """A request as the options for samples say; where they name no size, a square of `resolution`."""
        return cls(
            prompt=prompt,
            negative_prompt=options.negative_prompt,
            seed=options.seed,
            width=(options.width or resolution) // 8 * 8,
            height=(options.height or resolution) // 8 * 8,
            steps=options.steps,
            guidance=options.guidance,
            sampler=options.sampler,
            clip_skip=clip_skip,
        )
