from types import SimpleNamespace

import pytest
import torch

from lora_trainer import device
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


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError("pynvml"), AttributeError("temperature"), RuntimeError("driver")]
)
def test_a_card_that_does_not_tell_has_none(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(torch.cuda, "temperature", fail, raising=False)
    assert device.temperature(torch.device("cuda")) is None
    monkeypatch.setattr(torch.cuda, "temperature", lambda device: 71, raising=False)
    assert device.temperature(torch.device("cuda")) == 71.0
