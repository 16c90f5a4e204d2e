"""Who goes where, decided from numbers alone."""

import pytest

from lora_trainer import options
from lora_trainer.jobs.job import Job
from lora_trainer.jobs.places import Place
from lora_trainer.jobs.placing import Spot, planned, stepping_aside
from lora_trainer.jobs.record import Record
from lora_trainer.jobs.states import PREPARING, RUNNING
from lora_trainer.jobs.workers import MINUTES, PASSES, Patience

GB = 2**30


def job(name, gigabytes=None, **record):
    made = Job(Record(name, name, {}, **record), options.build({}), lambda _: None)
    made.gigabytes = gigabytes
    return made


def need(job, place):
    return None if job.gigabytes is None else job.gigabytes * GB


def place(name, device="", **more):
    return Place(name, device or name, runner=None, **more)


def spot(place, free, total=None, **more):
    return Spot(place, free * GB, (free if total is None else total) * GB, **more)


def names(plan):
    return {place.name: job.id for place, job in plan.given.items()}


LARGE, SMALL = place("cuda:0", own=True), place("cuda:1")
EMPTY = [spot(LARGE, 24), spot(SMALL, 8)]


def test_each_goes_to_the_first_free_place_where_it_fits():
    plan = planned([job("a", 6), job("b", 6)], EMPTY, need)
    assert names(plan) == {"cuda:0": "a", "cuda:1": "b"} and not plan.cramped and not plan.nowhere


def test_what_fits_only_a_busy_place_waits_without_being_passed_there():
    busy = [spot(LARGE, 24, run=job("on", 6)), spot(SMALL, 8)]
    plan = planned([job("big", 20), job("small", 6)], busy, need)
    assert names(plan) == {"cuda:1": "small"} and not plan.nowhere
    assert names(planned([job("big", 20), job("small", 6)], [spot(LARGE, 24)], need)) == {"cuda:0": "big"}


def test_what_fits_no_place_however_empty_holds_nobody_up():
    plan = planned([job("huge", 23.5), job("small", 6)], EMPTY, need)  # 23.5 leaves nothing for a desktop
    assert [one.id for one in plan.nowhere] == ["huge"] and names(plan) == {"cuda:0": "small"}


def test_whose_need_is_unknown_goes_where_most_is_free():
    assert names(planned([job("a")], [spot(SMALL, 8), spot(LARGE, 24)], need)) == {"cuda:0": "a"}
    assert names(planned([job("a")], [Spot(SMALL)], need)) == {"cuda:1": "a"}


def test_where_the_memory_is_untold_everything_fits():
    assert names(planned([job("a", 1000)], [Spot(SMALL)], need)) == {"cuda:1": "a"}


def test_who_waits_for_room_lets_smaller_ones_pass_until_it_is_overdue():
    shared = [spot(place("cpu"), 10, 32), spot(place("cpu (2)", "cpu"), 10, 32)]
    big, small = job("big", 20), job("small", 4)
    plan = planned([big, small], shared, need)
    assert names(plan) == {"cpu": "small"} and plan.cramped == [big]
    plan = planned([big, small], shared, need, overdue=[big])
    assert names(plan) == {} and plan.cramped == [big]
    assert names(planned([big, small], [*shared, spot(SMALL, 8)], need, overdue=[big])) == {"cuda:1": "small"}


def test_memory_that_was_given_away_counts_although_it_is_not_in_use_yet():
    cpu, second, third = place("cpu"), place("cpu (2)", "cpu"), place("cpu (3)", "cpu")
    free = [spot(one, 20, 32) for one in (cpu, second)]
    assert names(planned([job("a", 12), job("b", 12)], free, need)) == {"cpu": "a"}
    beginning = spot(third, 20, 32, run=job("on", 12, state=PREPARING))
    assert names(planned([job("a", 12)], [*free, beginning], need)) == {}
    in_use = spot(third, 20, 32, run=job("on", 12, state=RUNNING))
    assert names(planned([job("a", 12)], [*free, in_use], need)) == {"cpu": "a"}


def test_a_place_whose_model_something_else_has_is_taken_last():
    drawing = [spot(LARGE, 24, taken=True), spot(SMALL, 8)]
    assert names(planned([job("a", 6)], drawing, need)) == {"cuda:1": "a"}
    assert names(planned([job("a", 6), job("b", 6)], drawing, need)) == {"cuda:1": "a", "cuda:0": "b"}


def test_a_job_goes_only_where_it_is_taken():
    picky = place("cuda:1", takes=lambda job: job.id == "mine")
    assert names(planned([job("other", 6), job("mine", 6)], [spot(picky, 8)], need)) == {"cuda:1": "mine"}


@pytest.fixture
def busy():
    low, lower = job("low", 6, priority=1, place=1, state=RUNNING), job("lower", 6, state=RUNNING, place=2)
    return low, lower, [spot(LARGE, 24, run=low), spot(SMALL, 8, run=lower)]


def test_the_least_important_run_steps_aside_and_one_for_each_that_waits(busy):
    low, lower, spots = busy
    assert stepping_aside([job("a", 6, priority=1)], spots, need) == [lower]
    assert stepping_aside([job("a", 6, priority=2), job("b", 6, priority=2)], spots, need) == [lower, low]
    assert stepping_aside([job("a", 6)], spots, need) == []


def test_a_run_steps_aside_only_from_where_the_important_one_fits(busy):
    low, _, spots = busy
    assert stepping_aside([job("big", 20, priority=2)], spots, need) == [low]


def test_nobody_steps_aside_where_a_place_is_free_or_about_to_be(busy):
    low, lower, spots = busy
    assert stepping_aside([job("a", 6, priority=2)], [spots[0], spot(SMALL, 8)], need) == []
    lower.step_aside()
    assert stepping_aside([job("a", 6, priority=2)], spots, need) == []
    assert stepping_aside([job("a", 6, priority=2), job("b", 6, priority=2)], spots, need) == [low]


def test_patience_ends_after_so_many_passes_or_so_long():
    clock, waits = [0.0], job("waits")
    patience = Patience(now=lambda: clock[0])
    clock[0] = 60 * MINUTES
    assert not patience.is_over(waits)
    for _ in range(PASSES):
        assert not patience.is_over(waits)
        patience.pass_by([waits])
    assert patience.is_over(waits)
    patience.forget(waits)
    patience.pass_by([waits])
    assert not patience.is_over(waits)
    clock[0] += 60 * MINUTES
    assert patience.is_over(waits)
