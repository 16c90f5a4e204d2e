from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_trainer.data.plan import RunPlan

from .drawing import options, record

LANDSCAPE, PORTRAIT = (64, 128), (128, 64)
KNOWN_ORDER = [
    (5, 0, False, "zwx, big, tag 5"),
    (0, 3, True, "zwx, tag 0, red"),
    (6, 2, False, ""),
    (0, 2, True, "zwx, tag 0"),
]


def some_pictures():
    """Seven pictures in three buckets; two are shown three times in an epoch."""
    shapes = [(64, 64), LANDSCAPE, (64, 64), PORTRAIT, LANDSCAPE, (64, 64), (64, 64)]
    return [
        record(f"{number}.png", shape, caption=f"zwx, tag {number}, red, big", repeats=3 if number < 2 else 1)
        for number, shape in enumerate(shapes)
    ]


def plan(pictures=None, *, seed=1, epochs=2, steps=0, accumulation=1, **values):
    pictures = some_pictures() if pictures is None else pictures
    return RunPlan(pictures, options(**values), seed=seed, epochs=epochs, steps=steps, accumulation=accumulation)


EVERYTHING = {
    "batch_size": 2,
    "crop": "random",
    "flip": True,
    "shuffle_tags": True,
    "tag_dropout": 0.3,
    "caption_dropout": 0.2,
}


def shown(batches):
    return Counter(item.picture for batch in batches for item in batch.items)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1, max_size=10))
def test_a_batch_is_the_same_whatever_was_asked_before(requests):
    asked = plan(accumulation=3, **EVERYTHING)
    for step, micro in requests:
        assert asked.batch(step, micro) == plan(accumulation=3, **EVERYTHING).batch(step, micro)


def test_the_order_is_the_one_it_always_was():
    """A change here breaks the resuming of runs that were begun before it."""
    one = plan(**EVERYTHING)
    first, later = one.batch(0).items, one.batch(7).items
    assert [(item.picture, item.crop, item.flip, item.caption) for item in first + later] == KNOWN_ORDER


def test_global_random_state_is_left_alone():
    random.seed(5)
    before = random.getstate()
    plan(**EVERYTHING).batch(3)
    assert random.getstate() == before


def test_another_seed_or_epoch_gives_another_order():
    one = plan(**EVERYTHING)
    assert one.epoch(0) != one.epoch(1)
    assert one.epoch(0) != plan(seed=2, **EVERYTHING).epoch(0)


@pytest.mark.parametrize("batch_size", [1, 2, 4, 100])
def test_every_epoch_shows_each_picture_exactly_as_often_as_it_repeats(batch_size):
    one = plan(batch_size=batch_size)
    for epoch in range(4):
        batches = one.epoch(epoch)
        assert shown(batches) == {0: 3, 1: 3, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1}
        assert len(batches) == one.batches_per_epoch


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_a_batch_holds_one_bucket_and_only_the_last_of_a_bucket_is_smaller(batch_size):
    one = plan(batch_size=batch_size)
    by_bucket = {}
    for batch in one.epoch(0):
        assert {one.pictures[item.picture].bucket for item in batch.items} == {batch.bucket}
        by_bucket.setdefault(batch.bucket, []).append(len(batch.items))
    for bucket, sizes in by_bucket.items():
        assert sum(sizes) == {(64, 64): 6, LANDSCAPE: 4, PORTRAIT: 1}[bucket]
        assert len(sizes) == -(-sum(sizes) // batch_size) and max(sizes) <= batch_size


@pytest.mark.parametrize("accumulation", [1, 2, 3, 20])
def test_steps_take_the_micro_batches_one_after_the_other_across_epochs(accumulation):
    one = plan(accumulation=accumulation, epochs=5)
    row = [batch for epoch in range(6) for batch in one.epoch(epoch)]
    assert list(one.batches(0, one.total_steps)) == row[: one.total_steps * accumulation]
    assert one.total_steps == -(-5 * 11 // accumulation) == one.end_of_epoch(4)
    assert one.steps_per_epoch == -(-11 // accumulation)
    for step in range(one.total_steps):
        assert one.epoch_of(step) == step * accumulation // 11


def test_steps_are_taken_as_told():
    assert plan(steps=17, epochs=3).total_steps == 17


def with_priors(count, repeats=1):
    priors = [record(f"prior {n}", regularization=True, repeats=repeats, caption="a thing") for n in range(count)]
    return some_pictures() + priors


@pytest.mark.parametrize(("count", "repeats"), [(1, 1), (4, 1), (4, 10), (11, 1), (30, 1)])
def test_an_epoch_has_as_many_regularization_pictures_as_others(count, repeats):
    one = plan(with_priors(count, repeats), batch_size=2)
    for epoch in range(3):
        seen = shown(one.epoch(epoch))
        assert sum(seen[index] for index in range(7)) == 11
        assert sum(seen[index] for index in range(7, 7 + count)) == 11
        assert len(one.epoch(epoch)) == one.batches_per_epoch


def test_regularization_pictures_take_turns_when_there_are_more_than_an_epoch_holds():
    seen = Counter()
    one = plan(with_priors(22))
    for epoch in range(4):
        seen += shown(one.epoch(epoch))
    assert {seen[index] for index in range(7, 29)} == {2}


def test_nothing_varies_unless_asked():
    for batch in plan().epoch(0):
        for item in batch.items:
            assert (item.crop, item.flip) == (0, False)
            assert item.caption == f"zwx, tag {item.picture}, red, big"


def test_flips_and_crops_come_about_equally_often():
    items = [item for e in range(60) for batch in plan(flip=True, crop="random").epoch(e) for item in batch.items]
    assert 0.4 < sum(item.flip for item in items) / len(items) < 0.6
    crops = Counter(item.crop for item in items)
    assert crops.keys() == {0, 1, 2, 3} and min(crops.values()) > len(items) / 6


def test_all_variants_are_those_that_the_run_shows_and_validation():
    one = plan(epochs=3, validation_share=0.3, **EVERYTHING)
    variants = one.all_variants()
    needed = {item.variant for step in range(one.total_steps) for item in one.batch(step).items}
    needed |= {item.variant for batch in one.validation for item in batch.items}
    assert set(variants) == needed and len(variants) == len(needed)
    assert len(plan(epochs=500, flip=True, crop="random", crop_variants=2).all_variants()) == 7 * 2 * 2


def test_all_captions_are_those_that_the_run_shows_and_validation():
    one = plan(epochs=3, validation_share=0.3, **EVERYTHING)
    captions = one.all_captions()
    needed = {item.caption for batch in [*one.validation, *one.batches(0, one.total_steps)] for item in batch.items}
    assert set(captions) == needed and len(captions) == len(needed) and "" in needed
    assert set(one.all_captions(2, 4)) <= needed


def test_caption_chunks_cover_all_steps_within_the_limit():
    one = plan(epochs=6, validation_share=0.2, **EVERYTHING)
    chunks = list(one.caption_chunks(3, one.total_steps, most=9))
    assert len(chunks) > 2
    assert [chunk.first_step for chunk in chunks] == [3, *(chunk.end_step for chunk in chunks[:-1])]
    assert chunks[-1].end_step == one.total_steps
    for chunk in chunks:
        assert len(chunk.captions) <= 9
        assert set(chunk.captions) == set(one.all_captions(chunk.first_step, chunk.end_step))


def test_validation_is_held_back_and_always_the_same():
    pictures = [record(f"{n}", LANDSCAPE if n % 3 else PORTRAIT, caption=f"cat {n}") for n in range(40)]
    one = plan(pictures, validation_share=0.25, **EVERYTHING)
    held = shown(one.validation)
    assert set(held.values()) == {1} and set(held) == one.held_back and 4 <= len(held) <= 16
    assert not set(held) & set(shown(one.epoch(0)))
    assert len(held) + len(shown(one.epoch(0))) == 40
    for batch in one.validation:
        assert all((item.crop, item.flip, item.caption) == (0, False, f"cat {item.picture}") for item in batch.items)
    assert one.validation == plan(pictures, seed=9, validation_share=0.25, **EVERYTHING).validation


def test_the_fingerprint_changes_with_what_the_order_follows_from_only():
    one = plan().fingerprint
    assert plan(epochs=99, cache="disk").fingerprint == one
    others = [plan(seed=2), plan(accumulation=2), plan(batch_size=2), plan(flip=True), plan(some_pictures()[:-1])]
    assert len({one, *(other.fingerprint for other in others)}) == 6
