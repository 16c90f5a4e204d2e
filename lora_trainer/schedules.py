"""The course of the learning rate: pure functions of the step, so that there is no state to save or to lose.

A shape maps progress (0 at the end of the warm-up, 1 after the last step) to a factor from 1 down to 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .config import OptimizerOptions
from .registry import Registry

Shape = Callable[[float, OptimizerOptions], float]
SCHEDULES: Registry[Shape] = Registry("schedule")


@SCHEDULES.register("constant")
def constant(progress: float, options: OptimizerOptions) -> float:
    return 1.0


@SCHEDULES.register("linear")
def linear(progress: float, options: OptimizerOptions) -> float:
    return 1.0 - progress


@SCHEDULES.register("cosine")
def cosine(progress: float, options: OptimizerOptions) -> float:
    """Half a cosine (Loshchilov & Hutter 2017, arXiv:1608.03983)."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


@SCHEDULES.register("cosine_with_restarts")
def cosine_with_restarts(progress: float, options: OptimizerOptions) -> float:
    """`cycles` halves of a cosine, each starting at 1 again (same source, without growing periods)."""
    return cosine(progress * options.cycles % 1.0 if progress < 1.0 else 1.0, options)


@SCHEDULES.register("polynomial")
def polynomial(progress: float, options: OptimizerOptions) -> float:
    return (1.0 - progress) ** options.power


def warmup_steps(options: OptimizerOptions, total_steps: int) -> int:
    """Steps of warm-up: a share of all steps when below 1, at most all of them."""
    steps = options.warmup * total_steps if options.warmup < 1 else options.warmup
    return min(round(steps), total_steps)


def rate_factor(options: OptimizerOptions, step: int, total_steps: int) -> float:
    """Factor on every learning rate at `step` (0 is the first) of `total_steps`.

    The warm-up rises from 0 in equal parts and is complete at its last step, so no step is wasted on a rate of 0.
    Raises UserError for an unknown schedule.
    """
    warmup = warmup_steps(options, total_steps)
    if step < warmup:
        return (step + 1) / warmup
    progress = min((step - warmup) / max(1, total_steps - warmup), 1.0)
    shape = SCHEDULES.get(options.schedule)(progress, options)
    return options.least_rate + (1.0 - options.least_rate) * shape
