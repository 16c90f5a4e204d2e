"""The time that is left of a run, from planted durations."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from lora_trainer import options
from lora_trainer.data.plan import RunPlan
from lora_trainer.data.records import Picture
from lora_trainer.training.agenda import Agenda
from lora_trainer.training.pace import SAMPLES, SAVE, STATE, VALIDATION, Course, Pace, Passes, Rates, paced

BUCKETS = ((512, 512), (640, 384), (256, 256), (320, 256))
PIXEL = 1e-6
"""Seconds of a step for each pixel."""
LONE, DRAWN = 16 * 4 * 512 * 512, 2 * 512 * 512
"""Pixels of a validation, and of a round of samples that is decoded."""


def made(steps: int = 300, **changes: Any) -> Pace:
    config = options.build({"save": {"every": 60}, "data": {"batch_size": 4}, "steps": steps, **changes})
    pictures = [Picture(Path(f"{n}.png"), str(n), f"{n}", (512, 512), BUCKETS[n % 4]) for n in range(22)]
    plan = RunPlan.from_config(pictures, config)
    agenda = Agenda(config, plan.total_steps, plan.steps_per_epoch)
    course = Course(plan, agenda, validated=Passes(32, LONE), denoised=Passes(40, 40 * DRAWN), decoded=DRAWN)
    return Pace(course, Rates(encoding=0.8 * PIXEL))


def true_seconds(pace: Pace) -> list[list[tuple[str, float]]]:
    """What every step, and what is due after it, is planted to take; the first step of every size five times as long.

    Predictions take 0.45 of a step's time, decoding twice as long as encoding.
    """
    chance, met = random.Random(1), set()
    agenda, plan, seconds = pace.course.agenda, pace.course.plan, []
    for step in range(plan.total_steps):
        sizes = {(batch.bucket, len(batch.items)) for batch in plan.batches(step, step + 1)}
        taken = (0.1 + PIXEL * pace.course.pixels(step)) * chance.uniform(0.9, 1.1)
        parts = [("step", taken if sizes <= met else 5 * taken)]
        met |= sizes
        done = step + 1
        parts += [(VALIDATION, 0.45 * PIXEL * LONE)] if agenda.validation_due(done) else []
        parts += [(SAVE, 0.5)] if agenda.save_due(done) or done == agenda.total else []
        parts += [(SAMPLES, (0.45 * 40 + 1.6) * PIXEL * DRAWN)] if agenda.sample_due(done) else []
        parts += [(STATE, 0.2)] if agenda.save_due(done) or done == agenda.total else []
        seconds.append(parts)
    return seconds


@pytest.mark.parametrize("accumulation", [1, 3])
def test_after_20_steps_what_is_left_is_right_within_a_fifth(accumulation: int) -> None:
    pace = made(optimizer={"accumulation": accumulation})
    planted = true_seconds(pace)
    total, gone = sum(value for parts in planted for _, value in parts), 0.0
    for step, (taken, *due) in enumerate(planted):
        pace.took_step(step, taken[1])
        gone += taken[1]
        if step >= 19:
            assert pace.seconds_left(step + 1) == pytest.approx(total - gone, rel=0.2, abs=0.5), step
        for kind, value in due:
            pace.took(kind, value)
            gone += value
    assert gone == pytest.approx(total)


def test_a_mix_of_sizes_is_told_apart_by_their_pixels() -> None:
    pace = made()
    for _ in range(4):
        pace.knows_step(100_000, 1.0)
        pace.knows_step(200_000, 1.5)
    assert pace.step_seconds(400_000) == pytest.approx(2.5)


def test_one_size_says_nothing_of_a_step_s_own_time_and_pixels_count_alone() -> None:
    pace = made()
    pace.knows_step(100_000, 1.0)
    assert pace.step_seconds(50_000) == pytest.approx(0.5)


def test_nothing_is_left_at_the_end_but_what_is_due_there() -> None:
    pace = made(steps=30)
    for step in range(30):
        pace.took_step(step, 1.0)
    for kind in (VALIDATION, SAMPLES, SAVE, STATE):
        pace.took(kind, 10.0)
    assert pace.seconds_left(30) == pytest.approx(40.0)
    assert pace.seconds_left(29) > 40.0


def test_captions_that_are_encoded_on_the_way_count_until_they_are() -> None:
    config = options.build({"steps": 100})
    plan = RunPlan.from_config([Picture(Path("a"), "a", "a", (512, 512), (512, 512))], config)
    course = Course(plan, Agenda(config, 100, 1), captions=[(40, 30)])
    pace = Pace(course, Rates(caption=2.0))
    assert pace.seconds_left(40) - pace.seconds_left(41) == pytest.approx(60.0)


def test_the_pace_of_many_alike_leaves_out_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.0, 9.0, 10.0, 11.0, 11.0, 12.0, 20.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    found: list[float] = []
    assert list(paced(iter([(0, 3), (1, 3), (2, 3), (3, 3)]), found.append)) == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert found == [1.0]
