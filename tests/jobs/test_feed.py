import time

from lora_trainer.events import Started, Step, Validated
from lora_trainer.jobs.feed import Feed


def step(number, loss=1.0):
    return Step(number, 1, loss, 1.0, {"unet": 1e-4}, 0.1, 0.2, 10.0, 1000)


def started(first_step):
    return Started("a", "sd1", "epsilon", "b", 4, first_step, 100, 10, (), "cpu", 1, 10, 2)


def feed_of(events):
    feed = Feed()
    for event in events:
        feed.append(event)
    return feed


def test_ten_thousand_events_are_read_quickly_and_without_gap_or_double():
    feed = feed_of(step(number) for number in range(1, 10_001))
    begun, seen, after = time.perf_counter(), [], 0
    while found := feed.after(after, 500):
        seen += [number for number, _ in found]
        after = found[-1][0]
    assert seen == list(range(1, 10_001))
    assert time.perf_counter() - begun < 15


def test_a_long_curve_is_thinned_and_keeps_its_spikes():
    feed = feed_of(step(number, 9.0 if number == 777 else 1.0) for number in range(1, 5001))
    curve = feed.curve(100)
    assert len(curve["steps"]) == 100 and curve["steps"] == sorted(curve["steps"])
    assert max(curve["loss"]) == 9.0


def test_steps_that_are_taken_again_replace_those_before():
    feed = feed_of([started(0), step(1), step(2), step(3), Validated(3, 1.0, True), started(2), step(3, 5.0)])
    curve = feed.curve()
    assert (curve["steps"], curve["loss"], curve["validation"]) == ([1, 2, 3], [1.0, 1.0, 5.0], [])
