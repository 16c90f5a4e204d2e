"""The prompts by which pocket, and what a LoRA makes of it, is judged, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from .grammar import Scene, caption, random_scene
from .layout import PICTURE

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

    from ..host.base import Conditioning, Loan

SEED = 7000
STEPS, GUIDANCE = 25, 4.0

Predict = Callable[["torch.Tensor", "torch.Tensor", "Conditioning"], "torch.Tensor"]


def scenes_and_prompts(count: int, objects: int, held_out: bool | None, seed: int) -> tuple[list[Scene], list[str]]:
    """Scenes of one or two objects and complete captions of them; `held_out` as in `random_scene`."""
    rng = Random(seed)
    scenes = [random_scene(rng, objects, held_out) for _ in range(count)]
    return scenes, [caption(scene, rng, complete=True) for scene in scenes]


def one_object_prompts(known: int = 150, held_out: int = 50) -> tuple[list[Scene], list[str]]:
    """The examination: `known` prompts of trained combinations, then `held_out` of combinations never trained."""
    first, second = scenes_and_prompts(known, 1, False, SEED), scenes_and_prompts(held_out, 1, True, SEED + 1)
    return first[0] + second[0], first[1] + second[1]


def two_object_prompts(count: int = 60) -> tuple[list[Scene], list[str]]:
    return scenes_and_prompts(count, 2, None, SEED + 2)


def draw_prompts(
    loan: Loan,
    prompts: Sequence[str],
    seed: int = SEED,
    *,
    predict: Predict | None = None,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
    batch: int = 50,
) -> list[Image]:
    """One 64 x 64 picture per prompt, by DDIM; prompt i has the seed `seed` + i.

    `predict` takes the place of the lent U-Net, say one with adapters: noisy latents, timesteps, conditioning -> noise.
    """
    from ..sampling.draw import draw
    from ..sampling.pictures import to_images

    answer = predict or _by_unet(loan)
    nothing = loan.encode_prompts([""], clip_skip=1)
    images: list[Image] = []
    for start in range(0, len(prompts), batch):
        conditioning = loan.encode_prompts(list(prompts[start : start + batch]), clip_skip=1)
        size = {"width": PICTURE, "height": PICTURE}
        latents = draw(
            answer,
            conditioning,
            nothing,
            **size,
            seed=seed + start,
            steps=steps,
            guidance=guidance,
            sampler="ddim",
            device=loan.device,
            dtype=loan.dtype,
        )
        images += to_images(loan.decode_latents(latents))
    return images


def _by_unet(loan: Loan) -> Predict:
    unet = loan.unet()
    return lambda x, t, conditioning: unet(x, t, encoder_hidden_states=conditioning.context).sample
