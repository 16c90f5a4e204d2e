"""Which devices there are, and what they are called."""

import pytest

from lora_trainer import devices
from lora_trainer.errors import ConfigError


def test_a_device_has_one_full_name_and_the_machine_tells_which_there_are() -> None:
    assert devices.full_name("cpu") == "cpu"
    assert devices.full_name("auto") in devices.every()
    with pytest.raises(ConfigError, match="nowhere"):
        devices.full_name("nowhere")


def test_a_process_that_is_to_use_one_card_sees_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 7")
    assert devices.alone("cuda:1") == ("cuda", {"CUDA_VISIBLE_DEVICES": "7"})
    assert devices.alone("cpu") == ("cpu", {})
