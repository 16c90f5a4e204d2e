from types import SimpleNamespace

import pytest
import torch

from lora_trainer import device, driver
from lora_trainer.training import thermometer
from lora_trainer.training.thermometer import EVERY, Thermometer


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(value=100.0)
    monkeypatch.setattr(thermometer, "time", SimpleNamespace(monotonic=lambda: now.value))
    return now


def test_the_device_is_looked_at_now_and_then(clock):
    looks = iter((50.0, 60.0))
    made = Thermometer(lambda: next(looks))
    assert [made.read() for _ in range(100)] == [50.0] * 100
    clock.value += EVERY
    assert made.read() == 60.0


def test_where_nobody_tells_it_is_asked_once(clock):
    asked = []
    made = Thermometer(lambda: asked.append(1))
    for _ in range(3):
        assert made.read() is None
        clock.value += EVERY
    assert len(asked) == 1


def test_a_processor_s_warmest_part_counts(monkeypatch):
    psutil = pytest.importorskip("psutil")
    parts = {"coretemp": [SimpleNamespace(current=55.0), SimpleNamespace(current=61.0)]}
    parts["nvme"] = [SimpleNamespace(current=90.0)]
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: parts, raising=False)
    assert device.temperature(torch.device("cpu")) == 61.0
    monkeypatch.setattr(psutil, "sensors_temperatures", dict, raising=False)
    assert device.temperature(torch.device("cpu")) is None


class Driver:
    """NVIDIA's library, where these cards are."""

    def __init__(self, **cards):
        self.cards = cards

    def nvmlDeviceGetCount_v2(self, count):
        count._obj.value = len(self.cards)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index, card):
        card._obj.value = index + 1
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid, card):
        names = [f"GPU-{name}".encode() for name in self.cards]
        if uuid not in names:
            return 6
        card._obj.value = names.index(uuid) + 1
        return 0

    def nvmlDeviceGetTemperature(self, card, sensor, degrees):
        degrees._obj.value = list(self.cards.values())[card.value - 1]
        return 0


@pytest.mark.parametrize(
    ("library", "uuid", "wanted"),
    [
        (Driver(a=61, b=70), "b", 70.0),
        (Driver(a=61), "", 61.0),
        (Driver(a=61, b=70), "", None),
        (Driver(a=61), "c", None),
        (object(), "a", None),
    ],
    ids=["by its name", "the only one", "one of two without a name", "one that is not there", "another driver"],
)
def test_a_card_s_driver_is_asked(monkeypatch, library, uuid, wanted):
    monkeypatch.setattr(driver, "_library", lambda: library)
    properties = SimpleNamespace(uuid=uuid) if uuid else SimpleNamespace()
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    assert device.temperature(torch.device("cuda")) == wanted


def test_without_a_driver_nobody_tells(monkeypatch):
    monkeypatch.setattr(driver, "LIBRARY", "there-is-no-such-library")
    driver._library.cache_clear()
    assert driver.card_temperature("a") is None and driver.card_memory("a") is None
