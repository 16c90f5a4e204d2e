import pytest

from lora_trainer.presets import Preset, origin_of

PRESETS = (
    Preset("quick", "Quick", "why", {"steps": 4, "network": {"rank": 2, "alpha": 1.0, "type": "lora"}}),
    Preset("large", "Large", "why", {"network": {"rank": 64, "alpha": 1.0, "type": "lora"}}),
)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"steps": 4, "network": {"rank": 2, "alpha": 1.0, "type": "lora"}, "epochs": 1}, "quick"),
        ({"steps": 9, "network": {"rank": 2, "alpha": 1.0, "type": "lora"}}, "quick"),
        ({"network": {"rank": 64, "alpha": 1.0, "type": "lora"}}, "large"),
        ({"network": {"rank": 8, "alpha": 4.0, "type": "lora"}}, ""),
        ({"steps": 4}, ""),
    ],
)
def test_values_that_were_changed_a_little_are_still_known_by_their_preset(values, name):
    assert origin_of(values, PRESETS) == name
