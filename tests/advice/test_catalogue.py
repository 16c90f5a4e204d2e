"""Each condition speaks up for what it knows, once and with numbers, and for nothing else."""

import math
import random
from pathlib import Path

import pytest
from PIL import Image

from lora_trainer import options
from lora_trainer.advice.catalogue import CONDITIONS, Adviser, troubleshooting
from lora_trainer.events import (
    Advised,
    Compared,
    Finished,
    Reached,
    Sample,
    Started,
    Step,
    Understood,
    Validated,
    Warned,
)
from lora_trainer.sentences import Sentence

GB = 2**30


def started(card=0):
    return Started("zorb", "sd1", "epsilon", "pocket", 8, 0, 400, 8, (), "cpu", 1, 1000, 10, card_bytes=card)


def step(number, loss=0.1, rate=1e-4, seconds=1.0, memory=GB):
    return Step(number, 1, loss, loss, {"unet": rate}, 1.0, seconds, 0.0, memory)


def finished(number, stopped=False):
    return Finished(number, "zorb.safetensors", 0, "", 1.0, stopped)


def noisy_losses(count, seed=1, level=0.1):
    """Losses as those of a diffusion model: their logarithm differs by about 1 from step to step."""
    draw = random.Random(seed)
    return [level * math.exp(draw.gauss(0, 1)) for _ in range(count)]


def advice(events, **values):
    """What is advised after these events, under a configuration with these options (dotted paths with '__')."""
    config = options.build(options.unflattened({path.replace("__", "."): value for path, value in values.items()}))
    adviser = Adviser(config)
    return [one for event in events for one in adviser.see(event)]


def the_one(found, code):
    (one,) = found
    assert isinstance(one, Advised) and one.code == f"advice_{code}" and isinstance(one.message, Sentence)
    return one


@pytest.mark.parametrize("seed", range(20))
def test_a_healthy_run_is_not_talked_about(seed):
    losses = noisy_losses(400, seed)
    course = [(n, 0.09 + 0.01 * math.exp(-n / 80) + 0.0002 * math.sin(n)) for n in range(50, 401, 50)]
    validations = [Validated(n, loss, best=False) for n, loss in course]
    steps = [step(n, loss, seconds=1 + (n % 7 == 0) * 5) for n, loss in enumerate(losses, 1)]
    warned = [Warned("bad_step", "Step 3 was skipped.", 3), Warned("name", "A name.")]
    asked = [Compared(12, alike=2), Understood(8, helped=7, gain=0.16, said=0.11, everyday=0.17, tags=seed % 2)]
    reached = [Reached(n, 0.9 - n / 1000) for n in range(50, 401, 50)]
    events = [*asked, started(8 * GB), *warned, *steps, *validations, *reached, finished(400)]
    assert advice(events, data__validation_share=0.1 * (seed % 2)) == []


def test_a_short_trial_is_not_talked_about():
    assert advice([started(), *(step(n) for n in range(1, 21)), finished(20)]) == []


def test_memory_that_ran_out_advises_what_did_fit():
    events = [
        Warned("memory_batch", "", 1, {"step": 1, "batch": 4, "parts": "2 x 2", "at_a_time": 2}),
        Warned("memory_batch", "", 1, {"step": 1, "batch": 4, "parts": "4 x 1", "at_a_time": 1}),
        Warned("memory_checkpointing", "", 1, {"step": 1, "mode": "largest"}),
    ]
    assert advice(events, data__batch_size=4, optimizer__accumulation=2) == []
    one = the_one(advice([*events, finished(9)], data__batch_size=4, optimizer__accumulation=2), "out_of_memory")
    assert one.changes == {"data.batch_size": 1, "optimizer.accumulation": 8, "memory.checkpointing": "largest"}
    assert "3 time" in one.message and "data.batch_size 1" in one.message


def test_steps_without_numbers_are_talked_about_from_the_third_on():
    bad = [Warned("bad_step", "", n) for n in range(1, 9)]
    assert advice(bad[:2]) == []
    assert the_one(advice(bad), "no_number").changes == {"optimizer.learning_rate": 2e-5}


def test_an_exploding_loss_is_seen_while_it_happens():
    losses = [loss * (1 if n < 100 else 30) for n, loss in enumerate(noisy_losses(200))]
    found = advice([step(n, loss) for n, loss in enumerate(losses, 1)])
    assert the_one(found, "exploding").step == 120
    assert found[0].changes == {"optimizer.learning_rate": 1e-5}


def test_a_base_that_was_destroyed_at_once_is_seen_by_its_loss():
    steps = [step(n, loss) for n, loss in enumerate(noisy_losses(200, level=1.0), 1)]
    assert the_one(advice(steps), "destroyed").step == 20
    assert advice(steps, loss__debiased=True) == []


def test_a_loss_that_rises_on_trained_pictures_means_too_high_a_rate():
    rising = [Validated(n * 50, 0.1 + 0.01 * n, best=n == 1) for n in range(1, 6)]
    one = the_one(advice([*rising, finished(250)]), "rate_too_high")
    assert one.changes == {"optimizer.learning_rate": 3.3e-5} and "step 50" in one.message


def test_a_loss_that_rises_on_other_pictures_means_overfitting_and_says_since_when():
    curve = {50: 0.2, 100: 0.18, 150: 0.185, 200: 0.19, 250: 0.21}
    validated = [Validated(number, loss, best=False) for number, loss in curve.items()]
    one = the_one(advice([*validated, finished(250)], data__validation_share=0.2), "overfitting")
    assert one.changes == {"steps": 100} and "0.18 at step 100 to 0.21" in one.message


FALLING = {20: 0.40, 40: 0.37, 60: 0.34, 80: 0.31, 100: 0.28}
FLAT = {20: 0.0832, 40: 0.0631, 60: 0.057, 80: 0.0542, 100: 0.0537}


def course(losses, **end):
    """A run with these validations."""
    last = max(losses)
    told = [Validated(number, loss, best=True) for number, loss in losses.items()]
    return [*(step(n) for n in range(1, last + 1)), *told, finished(last, **end)]


def test_a_loss_that_falls_as_fast_at_the_end_as_before_means_underfitting():
    one = the_one(advice(course(FALLING)), "underfitting")
    assert one.changes == {"steps": 200} and "0.4 to 0.28, 33 %" in one.message


@pytest.mark.parametrize(
    "events",
    [
        course(FLAT),
        course(FALLING, stopped=True),
        course({**FALLING, 100: 0.32}),
        course({number: 1 + loss / 100 for number, loss in FALLING.items()}),
        course({50: 0.4, 100: 0.2}),
    ],
    ids=["grown flat", "stopped", "risen again", "hardly fallen", "hardly measured"],
)
def test_any_other_course_is_no_underfitting(events):
    assert advice(events) == []


def test_captions_that_contradict_are_named_and_lead_to_the_pictures():
    told = Compared(12, 4, ("a.png", "b.png"), ("red ball", "blue ball"))
    one = the_one(advice([told]), "contradicting_captions")
    assert one.pictures and one.changes == {} and "2 of 12" in one.message and "b.png is 'blue ball'" in one.message
    assert advice([Compared(400, 4, ("a.png", "b.png"), ("red ball", "blue ball"))]) == []


@pytest.mark.parametrize(("tags", "code"), [(1.0, "foreign_tags"), (0.0, "foreign_captions")])
def test_captions_that_say_nothing_to_the_base_are_foreign_to_it(tags, code):
    one = the_one(advice([Understood(8, helped=2, gain=-0.15, said=0.03, everyday=0.15, tags=tags)]), code)
    assert one.pictures and "20 %" in one.message and "2 of 8" in one.message


@pytest.mark.parametrize(
    "values",
    [
        {"helped": 2, "gain": -0.4, "said": 0.10},
        {"helped": 7, "gain": 0.1, "said": 0.03},
        {"helped": 5, "gain": -0.1, "said": 0.03},
    ],
    ids=["a kind of picture without words", "little that helps", "harm by a few"],
)
def test_captions_that_do_something_for_the_base_are_not_foreign(values):
    assert advice([Understood(8, everyday=0.15, tags=1.0, **values)]) == []


def test_prompts_that_lose_what_they_say_are_broken_and_it_is_told_until_when_they_were_not():
    reached = [Reached(number, kept) for number, kept in {50: 0.8, 100: 0.5, 150: 0.3, 200: 0.1}.items()]
    one = the_one(advice([*reached, finished(200)]), "broken_since")
    assert one.changes == {"steps": 100} and "keep 10 %" in one.message and "step 100 (50 %)" in one.message
    one = the_one(advice([*reached[-1:], finished(200)]), "broken_prompts")
    assert one.changes == {"optimizer.learning_rate": 3.3e-5}
    assert advice([*reached[:-1], finished(150)]) == []


def test_rates_that_cannot_have_moved_anything_are_too_low():
    steps = [step(n, loss, rate=1e-6) for n, loss in enumerate(noisy_losses(300), 1)]
    one = the_one(advice([*steps, finished(300)], optimizer__learning_rate=1e-6), "rate_too_low")
    assert one.changes == {"optimizer.learning_rate": 1e-5} and "0.0003" in one.message
    assert advice([*steps, finished(300)], optimizer__name="sgd") == []


def test_a_black_sample_is_seen_and_a_dark_one_is_not(tmp_path):
    for name, colour in (("black", (0, 1, 0)), ("dark", (12, 3, 3))):
        Image.new("RGB", (16, 16), colour).save(tmp_path / f"{name}.png")
    gone, dark, black = (Sample(8, str(tmp_path / f"{name}.png"), "a zorb", 1) for name in ("gone", "dark", "black"))
    assert advice([gone, dark]) == []
    assert the_one(advice([gone, dark, black, black]), "black_samples").changes == {"memory.precision": "fp32"}


@pytest.mark.parametrize(("card", "spills"), [(8 * GB, True), (24 * GB, False), (0, False)])
def test_slow_steps_on_a_full_card_are_a_spill(card, spills):
    steps = [step(n, seconds=1.0 if n < 50 else 6.0, memory=int(7.8 * GB)) for n in range(1, 100)]
    found = advice([started(card), *steps], data__batch_size=4)
    if not spills:
        assert found == []
        return
    one = the_one(found, "spill")
    assert one.changes == {"data.batch_size": 2, "optimizer.accumulation": 2} and "7.8 of 8.0 GB" in one.message


def test_every_change_is_an_option_that_can_be_set_so():
    """Advice is applied by a button: it must name options as they are, with values that they take."""
    paths = {option.path for option in options.walk()}
    changes = {"data.batch_size": 1, "optimizer.accumulation": 8, "memory.checkpointing": "all", "steps": 100}
    changes |= {"optimizer.learning_rate": 1e-5, "memory.precision": "fp32", "optimizer.name": "adafactor"}
    assert {*changes, "data.resolution"} <= paths
    options.build(options.unflattened(changes))


def test_the_readme_s_troubleshooting_has_the_catalogue():
    """`python -m lora_trainer diagnose` prints these rows."""
    readme = Path(__file__).parents[2] / "README.md"
    assert troubleshooting() in readme.read_text(encoding="utf-8")


def test_every_condition_has_a_name_and_a_title():
    assert {condition.name for condition in CONDITIONS} == {*CONDITIONS.names()}
    assert all(condition.title and condition.remedy and condition.__doc__ for condition in CONDITIONS)
