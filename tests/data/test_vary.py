from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lora_trainer.data.chance import below, shuffled, stream
from lora_trainer.data.vary import crop_position, held_back, vary_caption

from .drawing import options, record

CAPTION = "zwx, a cat, red, big, outdoors"


def variations(count=300, caption=CAPTION, **values):
    return [vary_caption(caption, options(**values), stream("test", number)) for number in range(count)]


def test_a_caption_stays_as_it_is_unless_asked():
    assert set(variations(5, "zwx ,a cat,, red ")) == {"zwx ,a cat,, red "}


def test_shuffled_tags_are_the_same_tags_with_the_kept_ones_in_place():
    found = variations(shuffle_tags=True, keep_tags=2)
    assert all(caption.startswith("zwx, a cat, ") for caption in found)
    assert {tuple(sorted(caption.split(", "))) for caption in found} == {tuple(sorted(CAPTION.split(", ")))}
    assert len(set(found)) == 6


def test_tag_dropout_spares_the_kept_tags():
    counts = Counter(tag for caption in variations(tag_dropout=0.25, keep_tags=1) for tag in caption.split(", "))
    assert counts["zwx"] == 300
    assert all(195 <= counts[tag] <= 255 for tag in CAPTION.split(", ")[1:])


def test_caption_dropout_leaves_nothing():
    assert 60 <= variations(caption_dropout=0.3).count("") <= 120
    assert set(variations(caption_dropout=1.0)) == {""}


def test_crops_depend_on_the_picture_only():
    one, other = record("a"), record("b")
    assert crop_position(one, 0) == crop_position(other, 0) == (0.5, 0.5)
    assert crop_position(one, 1) == crop_position(record("a", caption="renamed"), 1)
    assert len({crop_position(picture, crop) for picture in (one, other) for crop in (1, 2)}) == 4


names = st.lists(st.integers(0, 10**6), min_size=2, max_size=60, unique=True)


@given(names, st.floats(0.001, 0.5))
def test_at_least_one_picture_is_on_each_side(numbers, share):
    held = held_back([record(str(number)) for number in numbers], share)
    assert 1 <= len(held) < len(numbers)


def test_a_picture_stays_on_its_side_when_others_are_added():
    few = [record(str(number)) for number in range(100)]
    held = {few[index].name for index in held_back(few, 0.2)}
    many = [record(f"new {number}") for number in range(50)] + few
    assert {many[index].name for index in held_back(many, 0.2)} & {p.name for p in few} == held
    assert 10 <= len(held) <= 30


def test_copies_of_a_picture_stay_together_and_regularization_is_trained():
    pictures = [record(str(number % 10)) for number in range(40)]
    priors = [record(f"prior {number}", regularization=True) for number in range(40)]
    held = held_back(pictures + priors, 0.3)
    assert max(held) < 40 and len({pictures[index].name for index in held}) * 4 == len(held)


def test_nothing_is_held_back_without_a_share_or_from_a_single_picture():
    assert held_back([record("a"), record("b")], 0.0) == frozenset()
    assert held_back([record("a")], 0.5) == held_back([record("a"), record("a")], 0.5) == frozenset()


def test_streams_are_the_same_on_every_machine():
    chance = stream(42, "order", 0)
    assert [below(1000, chance) for _ in range(4)] == [774, 366, 126, 253]
    assert "".join(shuffled("abcdef", stream("x"))) == "efcbad"
