"""Words in captions."""

import pytest

from lora_trainer.config import DataOptions, Folder
from lora_trainer.data.wording import has_word, looks_like_tags, trigger_words, without_words


@pytest.mark.parametrize(
    ("caption", "rest"),
    [
        ("zorb, a red ball", "a red ball"),
        ("a red ZORB, ball", "a red, ball"),
        ("a zorb", "a"),
        ("zorb", ""),
        ("zorbs, a ball", "zorbs, a ball"),
        ("ball, zorb, sky", "ball, sky"),
    ],
)
def test_a_word_is_taken_out_whole_with_its_comma(caption, rest):
    assert without_words(caption, ["zorb"]) == rest


def test_a_word_is_found_whole_only():
    assert has_word("a Zorb, red", "zorb") and not has_word("zorbs", "zorb")


def test_all_trigger_words_of_a_run_are_known_once():
    data = DataOptions(
        trigger_word="zorb", folders=[Folder("a"), Folder("b", trigger_word="vrim"), Folder("c", trigger_word="zorb")]
    )
    assert trigger_words(data) == ("zorb", "vrim")


@pytest.mark.parametrize(
    ("caption", "tags"),
    [
        ("1girl, solo, long hair", True),
        ("a cat, asleep", False),
        ("a man walks his dog by the sea, late at night, in the rain", False),
    ],
)
def test_tags_are_several_short_pieces(caption, tags):
    assert looks_like_tags(caption) == tags
