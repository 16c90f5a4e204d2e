"""How warm a device is, as the driver or the system tells it."""

from types import SimpleNamespace

import pytest
import torch

from lora_trainer.devices import driver, temperature


def test_a_processor_s_warmest_part_counts(monkeypatch):
    psutil = pytest.importorskip("psutil")
    parts = {"coretemp": [SimpleNamespace(current=55.0), SimpleNamespace(current=61.0)]}
    parts["nvme"] = [SimpleNamespace(current=90.0)]
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: parts, raising=False)
    assert temperature(torch.device("cpu")) == 61.0
    monkeypatch.setattr(psutil, "sensors_temperatures", dict, raising=False)
    assert temperature(torch.device("cpu")) is None


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
    assert temperature(torch.device("cuda")) == wanted
