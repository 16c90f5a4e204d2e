"""One step tried out: what a run takes of the device and how long it lasts, measured on the base that a host lends.

The steps are those of a run, prepared by what prepares a run, on its largest micro-batch. Nothing is written, and the
host has its base back afterwards as after any run.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

from .. import devices
from ..config import TrainConfig
from ..data.cache import MemoryStore
from ..data.plan import BatchPlan, RunPlan, pixels_of
from ..data.records import Size
from ..devices import Peak
from ..events import Event
from ..host.base import Host, Loan
from ..portions import MAY_RUN_OUT
from ..run_folder import RunFolder
from ..training.pace import Rates
from ..training.prepare import PreparedRun, prepare
from ..training.survey import Survey
from .need import device_name

STEPS = 3
"""The first has kernels to make and the optimizer's state; of the others the faster one counts."""
LONG = 60.0
"""Seconds of a step after which one more is enough."""
MICRO_BATCHES = 2
"""From the second on, gradients are alive beside what a step keeps: so many are tried of an accumulation."""


@dataclass(frozen=True)
class Probe:
    """What was measured of steps on micro-batches of `count` pictures of `size` (height, width).

    `peak` and `total` are bytes of the device; `how` says how far the peak may be trusted (see `device.Peak`).
    `step_seconds` is a whole step's, all its micro-batches counted, on `pixels`; `rates` are those of everything else,
    `preparing` the seconds of building the model. `ran_out` says that memory did not suffice: then nothing else counts.
    """

    device: str
    total: int
    size: Size
    count: int
    peak: int = 0
    how: str = devices.EXACT
    step_seconds: float = 0.0
    pixels: int = 0
    rates: Rates = field(default_factory=Rates)
    preparing: float = 0.0
    ran_out: bool = False


def probe(
    known: Survey,
    host: Host,
    *,
    tell: Callable[[Event], None] = lambda event: None,
    tried: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Probe | None:
    """Try the largest micro-batch of the run that was surveyed; None when `stop` said so meanwhile.

    `tell` hears how far the preparation is, `tried` how many steps are done. Raises what preparing a run raises.
    """
    plan = known.plan()
    largest = max(plan.epoch(0), key=pixels_of)
    small = _alone(plan, largest, known.config)
    with host.lend() as loan:
        name, (_, total) = device_name(loan.device), devices.memory_of(loan.device)
        result = Probe(name, total, largest.bucket, len(largest.items))
        try:
            steps = _measured(small, host, loan, known.config, result)
            return _followed(steps, tell, tried, stop)
        except MAY_RUN_OUT as error:
            if not devices.is_out_of_memory(error):
                raise
        return replace(result, ran_out=True)


def _followed(
    steps: Generator[Event | int, None, Probe],
    tell: Callable[[Event], None],
    tried: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> Probe | None:
    """The end of the steps, unless they were stopped."""
    while not stop():
        try:
            news = next(steps)
        except StopIteration as end:
            found: Probe = end.value
            return found
        if isinstance(news, Event):
            tell(news)
        else:
            tried(news, STEPS)
    steps.close()
    return None


def _alone(plan: RunPlan, largest: BatchPlan, config: TrainConfig) -> tuple[RunPlan, TrainConfig]:
    """A plan of nothing but that micro-batch, and options of a run of it."""
    numbers = [item.picture for item in largest.items]
    pictures = [
        replace(plan.pictures[number], repeats=numbers.count(number), regularization=False)
        for number in dict.fromkeys(numbers)
    ]
    micro_batches = min(config.optimizer.accumulation, MICRO_BATCHES)
    config = replace(
        config,
        data=replace(config.data, batch_size=len(numbers), validation_share=0.0, cache="ram"),
        optimizer=replace(config.optimizer, accumulation=micro_batches),
        steps=STEPS,
    )
    return RunPlan.from_config(pictures, config), config


def _measured(
    small: tuple[RunPlan, TrainConfig], host: Host, loan: Loan, asked: TrainConfig, result: Probe
) -> Generator[Event | int, None, Probe]:
    """Prepare the run, take its steps, and time what else a run does."""
    plan, config = small
    nowhere = RunFolder(Path(config.save.output), "probe")  # nothing of what is taken here writes
    begun = time.perf_counter()
    run = yield from prepare(config, loan, plan, nowhere, None, MemoryStore())
    preparing = time.perf_counter() - begun
    seconds: list[float] = []
    with Peak(loan.device) as peak:
        while len(seconds) < STEPS and not (len(seconds) == STEPS - 1 and seconds[-1] > LONG):
            host.give_way()
            seconds.append(_step(run, len(seconds)))
            yield len(seconds)
    micro_batches = config.optimizer.accumulation
    times = asked.optimizer.accumulation / micro_batches
    rates = _other_rates(run, loan)
    return replace(
        result,
        peak=peak.bytes,
        how=peak.how,
        step_seconds=min(seconds[1:]) * times,
        pixels=pixels_of(plan.batch(0)) * asked.optimizer.accumulation,
        rates=rates,
        preparing=preparing,
    )


def _step(run: PreparedRun, number: int) -> float:
    """Seconds of a step, until its numbers are there."""
    begun = time.perf_counter()
    run.stepper.take(number).read()
    return time.perf_counter() - begun


def _other_rates(run: PreparedRun, loan: Loan) -> Rates:
    """What preparing has told of captions, and pictures and predictions as a run deals with them besides its steps.

    What does not fit is left to be guessed: a run gets round it.
    """
    import torch

    batch, rates = run.stepper.loader.batch(0), replace(run.pace.rates, encoding=0.0)
    pixels, area = pixels_of(run.plan.batch(0)), math.prod(run.plan.batch(0).bucket)
    try:
        task = run.stepper.draw(batch, 0, 0)
        with torch.no_grad(), run.model.adapters.evaluating():
            rates.forward = _timed(lambda: run.stepper.losses(batch, task)) / pixels
        picture = loan.decode_latents(batch.latents[:1])
        rates.decoding = _timed(lambda: loan.decode_latents(batch.latents[:1])) / area
        rates.encoding = _timed(lambda: loan.encode_pixels(picture)) / area
    except MAY_RUN_OUT as error:
        if not devices.is_out_of_memory(error):
            raise
    return rates


def _timed(work: Callable[[], object]) -> float:
    """Seconds of the faster of two times: in the first, kernels are made and parts come up."""
    import torch

    times = []
    for _ in range(2):
        begun = time.perf_counter()
        result = work()
        if isinstance(result, torch.Tensor):
            result.sum().item()  # wait for the device
        times.append(time.perf_counter() - begun)
    return min(times)
