"""The peak of memory, as the system tells it or as it is looked at."""

import time

import pytest
import torch

from lora_trainer import device, driver
from lora_trainer.device import EXACT, SAMPLED, Peak
from lora_trainer.errors import ConfigError

CPU = torch.device("cpu")
BYTES = 200_000_000


def grown_by_a_passing_tensor(peak: Peak) -> int:
    """How much the peak rose above what was there while a tensor came and went."""
    before = device.used_memory(CPU)
    made = torch.ones(BYTES // 4)
    time.sleep(0.1)  # as long as a step, for whoever only looks
    del made
    return peak.look() - before


def test_what_was_there_and_is_gone_again_counts() -> None:
    with Peak(CPU) as peak:
        assert grown_by_a_passing_tensor(peak) == pytest.approx(BYTES, rel=0.15)
    assert peak.bytes > BYTES


def test_a_peak_before_does_not_count() -> None:
    made = torch.ones(BYTES // 4)
    del made
    with Peak(CPU) as peak:
        pass
    assert peak.bytes == pytest.approx(device.used_memory(CPU), abs=BYTES / 2)


def test_where_the_system_keeps_no_peak_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_forget_peak", lambda: False)
    with Peak(CPU) as peak:
        grown = grown_by_a_passing_tensor(peak)
    assert peak.how == SAMPLED != EXACT and grown == pytest.approx(BYTES, rel=0.15)


def test_a_device_has_one_full_name_and_the_machine_tells_which_there_are() -> None:
    assert device.full_name("cpu") == "cpu"
    assert device.full_name("auto") in device.every()
    with pytest.raises(ConfigError, match="nowhere"):
        device.full_name("nowhere")


def test_the_driver_tells_a_card_s_memory_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        def nvmlDeviceGetHandleByUUID(self, uuid, handle) -> int:
            return 0 if uuid == b"GPU-1" else 6

        def nvmlDeviceGetMemoryInfo(self, handle, memory) -> int:
            memory._obj.free, memory._obj.total = 3, 8
            return 0

    monkeypatch.setattr(driver, "_library", lambda: Library())
    assert driver.card_memory("1") == (3, 8) and driver.card_memory("2") is None
    monkeypatch.setattr(driver, "_library", object)
    assert driver.card_memory("1") is None


def test_a_process_that_is_to_use_one_card_sees_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 7")
    assert device.alone("cuda:1") == ("cuda", {"CUDA_VISIBLE_DEVICES": "7"})
    assert device.alone("cpu") == ("cpu", {})
