from __future__ import annotations

import pytest

from lora_trainer.errors import UserError
from lora_trainer.files.names import final_name, name_problem, safe_stem, split_stem, step_name


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("my cat", "my cat"),
        ("猫のLoRA", "猫のLoRA"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ('a/b\\c:d*e?f"g<h>i|j', "a_b_c_d_e_f_g_h_i_j"),
        ("tab\there", "tab_here"),
        ("cat. . ", "cat"),
        (".hidden", "hidden"),
        ("CON", "CON_"),
        ("nul.v1", "nul_.v1"),
        ("lpt9", "lpt9_"),
        ("COM¹", "COM¹_"),
        ("console", "console"),
        ("half \ud800 pair", "half _ pair"),
    ],
)
def test_a_name_becomes_one_that_every_system_takes(name: str, stem: str) -> None:
    assert safe_stem(name) == stem


def test_a_long_name_is_cut_between_characters() -> None:
    stem = safe_stem("猫" * 200)
    assert len(stem.encode("utf-8")) == 180
    assert set(stem) == {"猫"}


@pytest.mark.parametrize("name", ["", " . ", "..."])
def test_a_name_of_which_nothing_is_left_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="leaves no file name"):
        safe_stem(name)
    assert "empty" in str(name_problem(name))


def test_the_problem_of_a_name_proposes_a_better_one() -> None:
    assert name_problem("my cat") is None
    assert "'a_b' can" in str(name_problem("a/b"))


def test_saves_carry_their_step() -> None:
    assert final_name("cat") == "cat.safetensors"
    assert step_name("cat", 100) == "cat-step000100.safetensors"
    assert step_name("cat", 1234567) == "cat-step1234567.safetensors"


def test_a_save_tells_its_name_and_step() -> None:
    assert split_stem("cat-step000100") == ("cat", "step", 100)
    assert split_stem("cat-epoch000003") == ("cat", "epoch", 3)
    assert split_stem("cat-step1") == ("cat-step1", "", None)
