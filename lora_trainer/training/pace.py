"""How long a run takes: what is left of it, by kinds of work, at the pace at which each was done so far."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar

from ..data.plan import RunPlan, pixels_of
from ..data.records import Size
from .agenda import Agenda

T = TypeVar("T")
Shape = tuple[Size, int]
"""The bucket of a micro-batch, and how many pictures it has."""

CAPTIONS, VALIDATION, SAMPLES, SAVE, STATE = "captions", "validation", "samples", "save", "state"
"""Kinds of work beside steps; of captions, each one counts."""
RECENT = 50
"""Steps of which the pace is taken."""
TRIMS = 3
"""How often steps that are far from the others are looked for."""
TIMES = 5
"""How many of the last times something else was done are remembered."""

# For what was not done yet, from what was:
FORWARD = 0.4
"""A prediction without gradients, as a share of a step on as many pixels."""
DECODING_BY_ENCODING = 2.3
"""A picture's decoding as often its encoding: what their convolutions have to do."""
DECODING_BY_FORWARD = 4.0
"""A picture's decoding as often a prediction of its size, where no picture was encoded."""
SAVING = 0.3
"""Seconds for a file of some 20 MB that is read back."""


class Passes(NamedTuple):
    """So many predictions without gradients, on so many pixels in all."""

    times: int
    pixels: int


NONE = Passes(0, 0)


@dataclass(frozen=True)
class Left:
    """What is left of a run: `steps`, the `pixels` that go through the model in them, and how often else is due."""

    steps: int
    pixels: float
    due: Mapping[str, int]


class Course:
    """What a run consists of.

    `validated` and `denoised` are the predictions of one validation and of one round of samples, `decoded` the pixels
    of its pictures, `captions` how many captions are encoded on the way, before which steps.
    """

    def __init__(
        self,
        plan: RunPlan,
        agenda: Agenda,
        *,
        validated: Passes = NONE,
        denoised: Passes = NONE,
        decoded: int = 0,
        captions: Sequence[tuple[int, int]] = (),
    ) -> None:
        self.plan, self.agenda = plan, agenda
        self.validated, self.denoised, self.decoded, self.captions = validated, denoised, decoded, captions
        self._epoch, self._after = -1, [0]
        self._whole = sum(map(pixels_of, plan.epoch(0)))

    def pixels(self, step: int) -> int:
        """Of a step (from 0)."""
        return sum(pixels_of(self.plan.batch(step, micro)) for micro in range(self.plan.accumulation))

    def left(self, step: int) -> Left:
        """Of the run when `step` steps are done, but not yet what is due after them."""
        plan, agenda = self.plan, self.agenda
        due = {
            VALIDATION: agenda.validations_from(step),
            SAMPLES: agenda.samples_from(step),
            SAVE: agenda.saves_from(step) + 1,
            STATE: agenda.saves_from(step) + 1,
            CAPTIONS: sum(count for first, count in self.captions if first >= step),
        }
        return Left(plan.total_steps - step, self._pixels_left(step), due)

    def _pixels_left(self, step: int) -> float:
        """Epochs are equally long and hold the same sizes; only of the one at hand the order matters."""
        plan = self.plan
        length = plan.batches_per_epoch
        epoch, place = divmod(step * plan.accumulation, length)
        last, end = divmod(plan.total_steps * plan.accumulation, length)
        after = self._after_place(epoch)
        if epoch == last:
            return after[place] - after[end]
        return after[place] + (last - epoch - 1) * self._whole + self._whole * end / length

    def _after_place(self, epoch: int) -> Sequence[int]:
        """Pixels of an epoch from each of its places to its end."""
        if epoch != self._epoch:
            after = [0]
            for batch in reversed(self.plan.epoch(epoch)):
                after.append(after[-1] + pixels_of(batch))
            self._epoch, self._after = epoch, after[::-1]
        return self._after


@dataclass
class Rates:
    """Seconds for a pixel of what goes through U-Net and VAE, and for a caption; 0 where nobody knows."""

    forward: float = 0.0
    encoding: float = 0.0
    decoding: float = 0.0
    caption: float = 0.0


@dataclass
class Pace:
    """Learns how long everything takes while it is done, and tells what is left.

    A step is taken to need time for itself and for each pixel, so that a mix of sizes is told apart.
    """

    course: Course
    rates: Rates = field(default_factory=Rates)

    def __post_init__(self) -> None:
        self._steps: deque[tuple[int, float]] = deque(maxlen=RECENT)
        self._met: set[Shape] = set()
        self._first = True
        self._times: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=TIMES))

    def took_step(self, step: int, seconds: float) -> None:
        """Step number `step` (from 0) took so long. The first ones of a shape count only until there are others."""
        plan = self.course.plan
        shapes = {(batch.bucket, len(batch.items)) for batch in plan.batches(step, step + 1)}
        if shapes <= self._met and self._first:
            self._steps.clear()
            self._first = False
        if shapes <= self._met or self._first:
            self._steps.append((self.course.pixels(step), seconds))
        self._met |= shapes

    def knows_step(self, pixels: int, seconds: float) -> None:
        """A step on so many pixels took so long, as a probe has found."""
        self._steps.append((pixels, seconds))

    @contextmanager
    def timed(self, kind: str) -> Iterator[None]:
        """What is done inside is work of this kind."""
        begun = time.perf_counter()
        yield
        self.took(kind, time.perf_counter() - begun)

    def took(self, kind: str, seconds: float) -> None:
        self._times[kind].append(seconds)

    def seconds_left(self, step: int) -> float:
        """Of the run when `step` steps are done; 0 while nothing is known."""
        left = self.course.left(step)
        return self.steps_left(left) + sum(count * self.seconds_of(kind) for kind, count in left.due.items())

    def steps_left(self, left: Left) -> float:
        """The part of the steps alone."""
        each, by_pixel = self._line()
        return each * left.steps + by_pixel * left.pixels

    def step_seconds(self, pixels: float) -> float:
        """Of a step on so many pixels."""
        each, by_pixel = self._line()
        return each + by_pixel * pixels

    def seconds_of(self, kind: str) -> float:
        """Of work of this kind once: as it was before, or as what is known makes likely."""
        if times := self._times[kind]:
            return usual(times)
        course, decoded = self.course, Passes(1, self.course.decoded)
        if kind == VALIDATION:
            return self._predicting(course.validated)
        if kind == SAMPLES:
            decoding = self.rates.decoding or DECODING_BY_ENCODING * self.rates.encoding
            drawing = decoding * decoded.pixels or DECODING_BY_FORWARD * self._predicting(decoded)
            return self._predicting(course.denoised) + drawing
        return self.rates.caption if kind == CAPTIONS else SAVING

    def _predicting(self, passes: Passes) -> float:
        """Seconds of predictions without gradients."""
        if self.rates.forward:
            return self.rates.forward * passes.pixels
        each, by_pixel = self._line()
        return FORWARD * (each / self.course.plan.accumulation * passes.times + by_pixel * passes.pixels)

    def _line(self) -> tuple[float, float]:
        """Seconds of a step for itself and for each pixel, from those recent ones that are not far from the others."""
        line = _fitted(self._steps)
        for _ in range(TRIMS):
            line = _fitted(_middle(self._steps, partial(_slowness, line)))
        return line


def _slowness(line: tuple[float, float], step: tuple[int, float]) -> float:
    """How much slower than the line a step was."""
    each, by_pixel = line
    pixels, seconds = step
    return seconds / (each + by_pixel * pixels or 1.0)


def _fitted(steps: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """The line of least squares through (pixels, seconds) that is nowhere negative; zeros for no steps."""
    if not steps:
        return 0.0, 0.0
    x = sum(pixels for pixels, _ in steps) / len(steps)
    y = sum(seconds for _, seconds in steps) / len(steps)
    spread = sum((pixels - x) ** 2 for pixels, _ in steps)
    if not spread:
        return 0.0, y / x
    slope = sum((pixels - x) * (seconds - y) for pixels, seconds in steps) / spread
    slope = min(max(slope, 0.0), y / x)
    return y - slope * x, slope


def paced(progress: Iterable[tuple[int, int]], found: Callable[[float], None]) -> Iterator[tuple[int, int]]:
    """Pass on (done, total), and tell in the end how many seconds one took, if any was done."""
    times: list[float] = []
    before, waiting = None, iter(progress)
    while True:
        begun = time.perf_counter()  # what the reader does between two of them does not count
        try:
            done, total = next(waiting)
        except StopIteration:
            break
        if before is not None and done > before:
            times.append((time.perf_counter() - begun) / (done - before))
        before = done
        yield done, total
    if times:
        found(usual(times))


def usual(times: Sequence[float]) -> float:
    """The mean of the middle half: what is slow once, as the first of its kind, is not what follows."""
    middle = _middle(times, lambda seconds: seconds)
    return sum(middle) / len(middle)


def _middle(values: Iterable[T], order: Callable[[T], float]) -> list[T]:
    """Without the quarters at both ends; of a few, without the last."""
    ordered = sorted(values, key=order)
    cut = len(ordered) // 4
    return ordered[cut:-cut] if cut else ordered[: max(1, len(ordered) - 1)]
