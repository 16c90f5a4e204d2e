import pytest

from lora_trainer.errors import UserError
from lora_trainer.registry import Registry


def test_a_name_can_be_taken_only_once():
    registry = Registry("colour")
    registry.add("red", 1)
    with pytest.raises(ValueError, match="already a colour called 'red'"):
        registry.add("red", 2)


def test_a_wrong_name_gets_the_nearest_known_one():
    registry = Registry("colour")
    registry.register("green")(1)
    with pytest.raises(UserError, match=r"no colour called 'grean'\. Did you mean 'green'\?"):
        registry.get("grean")
    with pytest.raises(UserError, match="Known are: green"):
        registry.get("xyz")
