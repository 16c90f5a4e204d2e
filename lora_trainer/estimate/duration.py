"""How long a run will take, from steps that were tried and what the plan and the agenda say of the rest."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from ..data.plan import pixels_of
from ..data.records import Size
from ..sentences import Sentence
from ..training.captions import MOST_CAPTIONS
from ..training.pace import CAPTIONS, SAMPLES, SAVE, VALIDATION, Pace
from ..training.prepare import course_of, variants_of
from ..training.survey import Survey
from .need import gigabytes
from .probe import Probe

SECONDS_OF_SHORT, MINUTES_OF_SHORT = 100, 100
"""Up to here a time is told in seconds, and in minutes."""


@dataclass(frozen=True)
class BucketTime:
    """Micro-batches of `count` pictures of `size` (height, width): their share of all, and the seconds of one."""

    size: Size
    count: int
    share: float
    seconds: float


@dataclass(frozen=True)
class Duration:
    """Seconds of a whole run: its `steps` alone, `preparing`, and everything else that is due on the way."""

    count: int
    steps: float
    preparing: float
    validations: float
    samples: float
    saves: float
    captions: float
    buckets: tuple[BucketTime, ...]

    @property
    def total(self) -> float:
        return sum(self._parts().values())

    def seconds(self) -> dict[str, float]:
        """All of them by name, and `total`."""
        return {**self._parts(), "total": self.total}

    def _parts(self) -> dict[str, float]:
        names = ("steps", "preparing", "validations", "samples", "saves", "captions")
        return {name: getattr(self, name) for name in names}


def duration(known: Survey, found: Probe) -> Duration:
    """What the run that was surveyed will take at the pace that was found."""
    plan = known.plan()
    pace = Pace(course_of(known.config, plan), found.rates)
    pace.knows_step(found.pixels, found.step_seconds)
    left = pace.course.left(0)
    due = {kind: count * pace.seconds_of(kind) for kind, count in left.due.items()}
    pictures = sum(math.prod(plan.pictures[variant.picture].bucket) for variant in variants_of(plan))
    captions = 0 if known.config.network.train_text_encoder else len(plan.all_captions())
    encoding = pictures * found.rates.encoding + min(captions, MOST_CAPTIONS) * found.rates.caption
    return Duration(
        count=plan.total_steps,
        steps=pace.steps_left(left),
        preparing=found.preparing + encoding,
        validations=due[VALIDATION],
        samples=due[SAMPLES],
        saves=2 * due[SAVE],  # each with a state to go on from
        captions=due[CAPTIONS],
        buckets=_by_bucket(pace),
    )


def sentence(found: Probe, lasts: Duration) -> Sentence:
    """What a probe has found, for the reader."""
    return Sentence(
        "probe_found",
        "Takes {need} of the {total} GB of {device}. A step takes {step}: {steps} steps about {steps_time}, with "
        "encoding, validations, samples and saves about {total_time}.",
        need=gigabytes(found.peak),
        total=gigabytes(found.total),
        device=found.device,
        step=in_words(found.step_seconds),
        steps=lasts.count,
        steps_time=in_words(lasts.steps),
        total_time=in_words(lasts.total),
    )


def in_words(seconds: float) -> str:
    """'0.13 s', '1.3 s', '84 s', '14 min', '3 h 5 min'."""
    if seconds < SECONDS_OF_SHORT:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < MINUTES_OF_SHORT:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _by_bucket(pace: Pace) -> tuple[BucketTime, ...]:
    """What the micro-batches of an epoch consist of, the most frequent first."""
    batches = pace.course.plan.epoch(0)
    counts = Counter((batch.bucket, len(batch.items), pixels_of(batch)) for batch in batches)
    return tuple(
        BucketTime(size, count, many / len(batches), pace.step_seconds(pixels))
        for (size, count, pixels), many in counts.most_common()
    )
