"""Every operation turns a caption into the one that its name promises, and leaves others as they are."""

import pytest

from lora_trainer.errors import UserError
from lora_trainer.tagging import OPERATIONS, apply, operation_of


def done(caption, **operation):
    return apply(operation_of(operation), {"": caption}).get("", caption)


@pytest.mark.parametrize(
    ("caption", "operation", "after"),
    [
        ("a, b", {"do": "add", "tags": ["c"]}, "a, b, c"),
        ("a, b", {"do": "add", "tags": ["c, d"], "at": 0}, "c, d, a, b"),
        ("a, b", {"do": "add", "tags": ["c"], "at": 1}, "a, c, b"),
        ("a, B", {"do": "add", "tags": ["b", "c"], "at": 0}, "c, a, B"),
        ("", {"do": "add", "tags": ["c"]}, "c"),
        ("a cat sits.", {"do": "add", "tags": ["zorb"], "at": 0}, "zorb, a cat sits."),
        ("a, b, (c, d:1.2)", {"do": "remove", "tags": ["A", "(c, d:1.2)"]}, "b"),
        ("a,b", {"do": "remove", "tags": ["c"]}, "a,b"),
        ("a, b, c", {"do": "merge", "tags": ["c", "b"], "into": "d"}, "a, d"),
        ("a, b, c", {"do": "merge", "tags": ["b"], "into": "c"}, "a, c"),
        ("a, b, c", {"do": "merge", "tags": ["b"], "into": "x, y"}, "a, x, y, c"),
        ("a, b, c", {"do": "merge", "tags": ["d"], "into": "x"}, "a, b, c"),
        ("c, a, b", {"do": "sort", "by": "alphabet"}, "a, b, c"),
        ("c, a, b", {"do": "sort", "by": "alphabet", "first": ["b"]}, "b, a, c"),
        ("c, a, b", {"do": "sort", "first": ["b", "a"]}, "b, a, c"),
        ("a, b, A, c", {"do": "deduplicate"}, "a, b, c"),
        ("long_hair, >_<, long hair", {"do": "spaces"}, "long hair, >_<"),
        ("a, zorb, b", {"do": "trigger", "word": "zorb"}, "zorb, a, b"),
        ("a, b", {"do": "trigger", "word": "zorb"}, "zorb, a, b"),
        ("", {"do": "trigger", "word": "zorb"}, "zorb"),
        ("a photo of zorb cat", {"do": "trigger", "word": "zorb"}, "a photo of zorb cat"),
        ("old, a, b", {"do": "trigger", "word": "zorb", "old": "old"}, "zorb, a, b"),
        ("zorb, old, a", {"do": "trigger", "word": "zorb", "old": "old"}, "zorb, a"),
        ("a photo of old cat", {"do": "trigger", "word": "zorb", "old": "old"}, "a photo of zorb cat"),
        ("old, an older cat", {"do": "trigger", "old": "old"}, "an older cat"),
        ("A red, redder hat", {"do": "replace_text", "find": "RED", "new": "blue"}, "A blue, blueder hat"),
        (
            "A red, redder hat",
            {"do": "replace_text", "find": "red", "new": "blue", "words": True},
            "A blue, redder hat",
        ),
        ("Red red", {"do": "replace_text", "find": "red", "match_case": True}, "Red"),
        ("a hat (red)", {"do": "replace_text", "find": "(red)", "new": r"\1"}, r"a hat \1"),
        ("a, red, b", {"do": "replace_text", "find": "red"}, "a, b"),
        (
            "3 cats, 12 dogs",
            {"do": "replace_pattern", "pattern": r"\d+ (\w+)", "new": r"many \1"},
            "many cats, many dogs",
        ),
        ("a cat sits", {"do": "front_text", "text": "A photo:"}, "A photo: a cat sits"),
        ("a photo: a cat", {"do": "front_text", "text": "A photo:"}, "a photo: a cat"),
        ("a cat sits", {"do": "end_text", "text": ", outside"}, "a cat sits, outside"),
        ("a cat sits", {"do": "end_text", "text": "outside"}, "a cat sits outside"),
    ],
    ids=str,
)
def test_a_caption_becomes(caption, operation, after):
    assert done(caption, **operation) == after
    if operation["do"] not in ("replace_text", "replace_pattern"):
        assert done(after, **operation) == after, "done twice it is as done once"


def test_frequencies_are_those_of_the_whole_set_though_only_some_are_sorted():
    captions = {"1": "a, b, c", "2": "c, b", "3": "c"}
    assert apply(operation_of({"do": "sort", "by": "frequency"}), captions, ["1"]) == {"1": "c, b, a"}


def test_only_what_changes_is_given_back():
    assert apply(operation_of({"do": "add", "tags": ["b"]}), {"1": "a, b", "2": "a"}) == {"2": "a, b"}


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"do": "ad", "tags": []}, "operation_unknown"),
        ({"do": "add"}, "wrong_value"),
        ({"do": "add", "tags": "a"}, "wrong_value"),
        ({"do": "add", "tags": ["a"], "at": True}, "wrong_value"),
        ({"do": "add", "tags": ["a"], "where": 1}, "operation_value_unknown"),
        ({"do": "sort", "by": "chance"}, "wrong_value"),
        ({"do": "replace_text", "find": ""}, "find_empty"),
        ({"do": "replace_pattern", "pattern": "(a"}, "pattern_wrong"),
        ({"do": "replace_pattern", "pattern": "a", "new": r"\3"}, "pattern_new_wrong"),
    ],
    ids=str,
)
def test_what_is_no_operation_is_said(operation, code):
    with pytest.raises(UserError) as caught:
        apply(operation_of(operation), {"": "a"})
    assert caught.value.sentence.code == code


def test_a_pattern_that_would_take_years_is_given_up(monkeypatch):
    monkeypatch.setattr("lora_trainer.tagging.texts.PATIENCE", 0.05)
    with pytest.raises(UserError, match="takes too long"):
        done("a" * 400 + "!", do="replace_pattern", pattern="(a|a|b?)*c(?=d)x|(a|aa)+$", new="")


def test_the_table_names_every_operation():
    assert len(set(OPERATIONS.values())) == len(OPERATIONS)
