"""A caption is taken apart into tags and counted."""

import json
from pathlib import Path

import pytest

from lora_trainer.tagging import Choice, Count, counted, joined, key, split

CAPTIONS = json.loads((Path(__file__).parent / "captions.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", CAPTIONS, ids=lambda row: row["caption"])
def test_a_caption_is_taken_apart_at_its_commas_but_not_inside_a_group(row):
    assert split(row["caption"]) == row["tags"]
    assert split(joined(row["tags"])) == row["tags"]


def test_upper_case_and_the_spelling_of_accents_make_no_other_tag():
    assert key("Cafe\u0301") == key("CAFÉ")


def test_tags_are_counted_once_in_a_caption_under_their_most_frequent_spelling():
    found = counted(["Red Hair, a", "red hair, red hair", "red hair, b"])
    assert found == [Count("red hair", 3), Count("a", 1), Count("b", 1)]


SET = {"1": "zorb, hat, red", "2": "zorb, red dress", "3": "zorb, hat", "4": "", "5": "A sentence about a hat."}


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(), "12345"),
        (Choice(every=("zorb", "HAT")), "13"),
        (Choice(some=("red", "red dress")), "12"),
        (Choice(every=("zorb",), none=("red",)), "23"),
        (Choice(text="Red"), "12"),
        (Choice(text="hat", none=("hat",)), "5"),
        (Choice(missing=True), "4"),
    ],
)
def test_pictures_are_chosen_by_their_tags_and_their_text(choice, names):
    assert "".join(choice.of(SET)) == names


def test_of_captions_that_hold_a_tag_the_counts_are_what_stands_beside_it():
    together = counted(SET[name] for name in Choice(every=("hat",)).of(SET))
    assert together == [Count("hat", 2), Count("zorb", 2), Count("red", 1)]
