from types import SimpleNamespace

import pytest

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
