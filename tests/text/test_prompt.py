import random
import re

import pytest

from lora_trainer.text.prompt import BREAK, Run, drawn_text, escape, parse


@pytest.mark.parametrize(
    ("prompt", "runs"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("", [("", 1.0)]),
        ("a (red) cat", [("a ", 1.0), ("red", 1.1), (" cat", 1.0)]),
        ("a (red:1.5) cat", [("a ", 1.0), ("red", 1.5), (" cat", 1.0)]),
        ("((a))", [("a", 1.1 * 1.1)]),
        ("[a]", [("a", 1 / 1.1)]),
        ("(a [b] c:2)", [("a ", 2.0), ("b", 1 / 1.1 * 2.0), (" c", 2.0)]),
        ("(never closed", [("never closed", 1.1)]),
        ("closed) twice]", [("closed) twice]", 1.0)]),
        (r"\(literal\) \[too\] \\", [(r"(literal) [too] \ ".strip(), 1.0)]),
        ("a: b:1.2", [("a: b:1.2", 1.0)]),
        ("a:1.2) b", [("a:1.2) b", 1.0)]),
        ("(a : -0.5 )", [("a ", -0.5)]),
        ("(a)(b)", [("ab", 1.1)]),
        ("a BREAK b", [("a", 1.0), ("BREAK", -1.0), ("b", 1.0)]),
        ("BREAKFAST", [("BREAKFAST", 1.0)]),
    ],
)
def test_a_prompt_is_runs_of_weighted_words(prompt, runs):
    assert parse(prompt) == [Run(*run) for run in runs]


def test_break_in_brackets_is_a_weighted_word_as_in_the_host():
    assert parse("(a BREAK b)") == [Run("a", 1.1), Run("BREAK", -1.1), Run("b", 1.1)]
    assert BREAK not in parse("(a BREAK b)")


def test_a_weight_that_is_no_number_is_text():
    assert parse("(a:1.2.3)") == [Run("a:1.2.3)", 1.1)]


def test_comments_and_network_tags_are_not_drawn():
    assert drawn_text("a cat <lora:my cat:0.8>, big # note\n# line\nend") == "a cat , big \nend"


@pytest.mark.parametrize("caption", ["cat (animal)", "a\\b", "x BREAK y", "<lora:x:1>", "8:1.5", ":(", "[a:b:0.5]"])
def test_an_escaped_caption_means_itself(caption):
    assert parse(drawn_text(escape(caption))) == [Run(caption)]


def test_any_caption_survives_escaping():
    draw = random.Random(0)
    pieces = ["(", ")", "[", "]", "\\", ":1.2", ":", "BREAK", "AND", "<lora:x:1>", "a", " ", ",", "\n", "1.5"]
    for _ in range(2000):
        caption = "".join(draw.choices(pieces, k=draw.randint(0, 10)))
        assert parse(drawn_text(escape(caption))) == [Run(caption)]


def test_escaped_captions_hold_nothing_that_the_host_splits_prompts_at():
    escaped = escape("cats AND dogs:1.5")
    assert not re.search(r"\bAND\b", escaped)
    assert not re.search(r":\s*[\d.]+\s*$", escaped)


def test_an_ordinary_caption_needs_no_escape():
    assert escape("a cat, 50% off: BREAKFAST AND-gates?") == "a cat, 50% off: BREAKFAST A\\ND-gates?"
    assert escape("1girl, solo, ratio 16:9, outdoors") == "1girl, solo, ratio 16:9, outdoors"
