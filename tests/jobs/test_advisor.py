"""What fits on a device that is too small."""

from __future__ import annotations

from typing import Any

import pytest

from lora_trainer import devices, options
from lora_trainer.estimate.need import SHARE
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from tests.runs import values


@pytest.fixture
def desk(random_sd1: Any, tmp_path: Any) -> Any:
    base = options.build({"base": {"checkpoint": str(random_sd1)}})
    desk = Desk(StandaloneHost(base.base, base.memory, tmp_path / "loras", tmp_path / "data"))
    yield desk
    desk.tryouts.close()


def outlook(desk: Any, monkeypatch: Any, random_sd1: Any, pictures: Any, tmp_path: Any, total: int) -> Any:
    monkeypatch.setattr(devices, "memory_of", lambda _: (total, total))
    config = options.build(values(random_sd1, pictures, tmp_path, data={"batch_size": 4}))
    return desk.advisor.outlook(config)


def test_it_names_the_gentlest_settings_that_fit(desk, monkeypatch, random_sd1, pictures, tmp_path):
    plenty = outlook(desk, monkeypatch, random_sd1, pictures, tmp_path, 2**40)
    assert plenty.need.fits and plenty.sentence().code == "memory_fits"

    a_little_less = outlook(desk, monkeypatch, random_sd1, pictures, tmp_path, int(plenty.need.bytes / SHARE) - 1000)

    assert not a_little_less.need.fits
    assert a_little_less.milder == {"memory.checkpointing": "largest"}
    assert "memory.checkpointing largest" in a_little_less.sentence()


def test_where_nothing_fits_it_says_so(desk, monkeypatch, random_sd1, pictures, tmp_path):
    assert outlook(desk, monkeypatch, random_sd1, pictures, tmp_path, 1000).milder == {}
    assert "another device" in outlook(desk, monkeypatch, random_sd1, pictures, tmp_path, 1000).sentence()


def test_what_changes_nothing_of_memory_is_not_asked_again(desk, random_sd1, pictures, tmp_path):
    def config(**more):
        return options.build(values(random_sd1, pictures, tmp_path, **more))

    assert not desk.advisor.knows(config())
    desk.advisor.outlook(config())
    assert desk.advisor.knows(config(optimizer__learning_rate=0.5, network__alpha=1.0, steps=7, save__name="other"))
    assert not desk.advisor.knows(config(data__batch_size=2))


def test_on_a_processor_what_is_more_than_the_machine_is_not_tried(desk, monkeypatch, random_sd1, pictures, tmp_path):
    monkeypatch.setattr(devices, "memory_of", lambda _: (10**6, 10**6))
    monkeypatch.setattr(StandaloneHost, "lend", lambda _: pytest.fail("the base is not to be touched"))
    tried = desk.advisor.probe(options.build(values(random_sd1, pictures, tmp_path)))
    assert tried.probe.ran_out and not tried.fits and tried.sentence().code == "probe_ran_out"
