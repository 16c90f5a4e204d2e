"""What NVIDIA's driver says of a card, where there is one."""

import pytest

from lora_trainer.devices import driver


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


def test_without_a_driver_nobody_tells(monkeypatch):
    monkeypatch.setattr(driver, "LIBRARY", "there-is-no-such-library")
    driver._library.cache_clear()
    assert driver.card_temperature("a") is None and driver.card_memory("a") is None
