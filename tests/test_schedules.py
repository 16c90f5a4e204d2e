"""The course of the learning rate."""

from __future__ import annotations

import math

import pytest

from lora_trainer.config import OptimizerOptions
from lora_trainer.errors import UserError
from lora_trainer.schedules import SCHEDULES, rate_factor, warmup_steps


def course(total: int = 100, **options: object) -> list[float]:
    given = OptimizerOptions(**{"warmup": 0.0, **options})
    return [rate_factor(given, step, total) for step in range(total)]


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule_starts_at_one_and_stays_between_the_least_rate_and_one(name: str) -> None:
    factors = course(schedule=name, least_rate=0.1)
    assert factors[0] == 1.0
    assert all(0.1 <= factor <= 1.0 for factor in factors)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES.names()) - {"constant"}))
def test_every_falling_schedule_ends_near_the_least_rate_and_holds_it_beyond_the_end(name: str) -> None:
    options = OptimizerOptions(warmup=0.0, schedule=name, least_rate=0.25)
    assert rate_factor(options, 9_999, 10_000) == pytest.approx(0.25, abs=1e-3)
    assert rate_factor(options, 10_000, 10_000) == pytest.approx(0.25)
    assert rate_factor(options, 20_000, 10_000) == pytest.approx(0.25)


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_warm_up_rises_in_equal_parts_without_a_wasted_step(name: str) -> None:
    assert course(schedule=name, warmup=4)[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_warm_up_below_one_is_a_share_of_all_steps_and_never_longer_than_the_run() -> None:
    assert warmup_steps(OptimizerOptions(warmup=0.05), 200) == 10
    assert warmup_steps(OptimizerOptions(warmup=0.0), 200) == 0
    assert warmup_steps(OptimizerOptions(warmup=500), 200) == 200


def test_linear_cosine_and_polynomial_follow_their_formulas() -> None:
    assert course(schedule="linear")[25] == pytest.approx(0.75)
    assert course(schedule="cosine")[25] == pytest.approx(0.5 * (1 + math.cos(math.pi * 0.25)))
    assert course(schedule="polynomial", power=3.0)[25] == pytest.approx(0.75**3)


def test_restarts_return_to_the_full_rate_at_the_start_of_every_cycle() -> None:
    factors = course(total=90, schedule="cosine_with_restarts", cycles=3)
    assert [step for step, factor in enumerate(factors) if factor == pytest.approx(1.0)] == [0, 30, 60]
    assert factors[29] < 0.01


def test_an_unknown_schedule_names_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'cosine'"):
        course(schedule="cosinus")
