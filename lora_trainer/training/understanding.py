"""Whether the base understands the captions: what they are worth to it before anything is learned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch

from ..config import TrainConfig
from ..data.loader import Batch
from ..data.plan import BatchPlan, Item, RunPlan
from ..data.wording import trigger_words, without_words
from ..seeds import generator
from .step import Stepper

MOST_PICTURES, FEWEST_PICTURES = 8, 4
TIMESTEPS = (850, 950)
"""Where noise leaves little of a picture, so that the caption has something to say.

Measured on pocket with captions that it understands, but for the new word: below timestep 750 they are worth nothing
to it (-20 % to 1 %), at 812 they lower its loss by 19 % and at 937 by 13 %. Anime tags in their place: -14 % and -22 %.
"""
SHOWINGS = 50
"""Showings in the run for each picture that is measured, which cost about 3 predictions each."""


def described(plan: RunPlan, config: TrainConfig) -> dict[int, str]:
    """The pictures that the base is asked about, with their captions without trigger words.

    As many as the length of the run is worth, spread over all that have such a caption; none when they are too few.
    """
    words = trigger_words(config.data)
    pictures = [(n, one) for n, one in enumerate(plan.pictures) if one.repeats and not one.regularization]
    bare = {n: without_words(one.caption, words) for n, one in pictures}
    said = [n for n, caption in bare.items() if caption]
    showings = plan.total_steps * config.optimizer.accumulation * config.data.batch_size
    count = min(MOST_PICTURES, len(said), showings // SHOWINGS)
    if count < FEWEST_PICTURES:
        return {}
    return {said[place * len(said) // count]: bare[said[place * len(said) // count]] for place in range(count)}


def gains(stepper: Stepper, captions: dict[int, str]) -> Iterator[float]:
    """For each picture and timestep, the logarithm of how many times lower the base's loss is with the caption than
    with none. The model is the caller's between two of them.

    Both are asked the same, so that nothing but the caption makes the difference.
    """
    for picture, caption in captions.items():
        for t in TIMESTEPS:
            yield _gain(stepper, picture, caption, t)


@torch.no_grad()
def _gain(stepper: Stepper, picture: int, caption: str, t: int) -> float:
    adapters = stepper.model.adapters
    batch = stepper.loader.load(_shown(stepper.loader.plan, picture))
    draw = generator("cpu", stepper.config.seed, "understanding", picture, t)
    task = stepper.objective.task_at(batch.latents.to(stepper.model.device), t, draw)
    with adapters.switched_off(), adapters.evaluating():
        with_it, without = (float(stepper.losses(_saying(batch, text), task).sum()) for text in (caption, ""))
    return math.log(max(without, 1e-12)) - math.log(max(with_it, 1e-12))


def _shown(plan: RunPlan, picture: int) -> BatchPlan:
    return BatchPlan(plan.pictures[picture].bucket, (Item(picture, 0, False, ""),))


def _saying(batch: Batch, caption: str) -> Batch:
    return replace(batch, captions=(caption,) * len(batch))
