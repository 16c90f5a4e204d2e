import importlib
from types import SimpleNamespace

import pytest

from lora_trainer.errors import UserError
from lora_trainer.host.webui import strength_axis
from lora_trainer.host.webui.strength_axis import apply, values, with_strength

PROMPT = "a cat <lora:cat:0.8> on <lora:hat:0.5:0.6:dyn=8>"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0, 0.5, 1", ["0", "0.5", "1"]),
        ("0-1 [5]", ["0", "0.25", "0.5", "0.75", "1"]),
        ("0.2-1 (+0.4)", ["0.2", "0.6", "1"]),
        ("1-0 (0.5)", ["1", "0.5", "0"]),
        ("1-3", ["1", "2", "3"]),
        ("my cat: 0.2, 0.4", ["my cat:0.2", "my cat:0.4"]),
        ("cat:0-1 [2], hat: 1", ["cat:0", "cat:1", "hat:1"]),
        ("-0.5, 0.5,", ["-0.5", "0.5"]),
    ],
)
def test_values_are_numbers_and_ranges_with_or_without_a_name(text, found):
    assert values(text) == found


def test_what_is_no_number_is_named():
    with pytest.raises(UserError, match="'much'"):
        values("0.5, much")


def test_every_tag_gets_the_strength_and_keeps_what_else_it_says():
    assert with_strength(PROMPT, 0.3) == ("a cat <lora:cat:0.3> on <lora:hat:0.3:dyn=8>", 2)


def test_only_the_named_tag_gets_it():
    assert with_strength(PROMPT, 0.3, "CAT") == ("a cat <lora:cat:0.3> on <lora:hat:0.5:0.6:dyn=8>", 1)


def test_the_prompt_of_the_second_pass_follows():
    work = SimpleNamespace(prompt=PROMPT, hr_prompt="large <lora:cat:0.8>")
    apply(work, "cat:0.1", ["cat:0.1"])
    assert "<lora:cat:0.1>" in work.prompt
    assert work.hr_prompt == "large <lora:cat:0.1>"


def test_a_prompt_without_the_tag_is_told_so():
    with pytest.raises(UserError, match="<lora:dog:1>"):
        apply(SimpleNamespace(prompt=PROMPT), "dog:1", ["dog:1"])


def test_the_axis_is_added_once(webui, monkeypatch):
    class AxisOption:
        def __init__(self, label, type, apply, prepare):
            self.label, self.values = label, prepare

    script = SimpleNamespace(__module__="xyz_grid.py")
    module = SimpleNamespace(AxisOption=AxisOption, axis_options=[])
    data = SimpleNamespace(script_class=script, module=module)
    monkeypatch.setattr(importlib.import_module("modules.scripts"), "scripts_data", [data])
    strength_axis.register()
    strength_axis.register()
    assert [option.label for option in module.axis_options] == ["LoRA strength"]
