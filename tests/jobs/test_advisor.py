"""What fits on a device that is too small."""

from __future__ import annotations

from typing import Any

import pytest

from lora_trainer import devices, options
from lora_trainer.estimate.need import SHARE
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from tests.runs import values


@pytest.fixture(scope="module")
def desk(random_sd1: Any, tmp_path_factory: Any) -> Any:
    """One for all tests: what it has imagined is remembered."""
    folder = tmp_path_factory.mktemp("desk")
    base = options.build({"base": {"checkpoint": str(random_sd1)}})
    desk = Desk(StandaloneHost(base.base, base.memory, folder / "loras", folder / "data"))
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


def test_what_is_recommended_fits_the_device(desk, monkeypatch, random_sd1, pictures, tmp_path):
    config = options.build(values(random_sd1, pictures, tmp_path))
    kept = {"data.resolution": 64}
    plenty = desk.advisor.recommend(config, "style", kept)
    assert "memory.checkpointing" not in {path for reason in plenty.reasons for path in reason.paths}
    estimator = desk.advisor._estimator(desk.host.describe(), options.build(plenty.values))
    need = estimator.need((64, 64), plenty.values["data"]["batch_size"], "off").bytes

    total = int(need / SHARE) - 1000
    monkeypatch.setattr(devices, "memory_of", lambda _: (total, total))
    found = desk.advisor.recommend(config, "style", kept)

    (reason,) = [one for one in found.reasons if one.sentence.code == "advice_memory"]
    assert found.values["memory"]["checkpointing"] == "largest" and reason.paths == ("memory.checkpointing",)
    assert "memory.checkpointing largest" in reason.sentence


def test_what_was_chosen_is_not_made_gentler_but_it_is_said_that_it_is_too_much(
    desk, monkeypatch, random_sd1, pictures, tmp_path
):
    monkeypatch.setattr(devices, "memory_of", lambda _: (1000, 1000))
    config = options.build(values(random_sd1, pictures, tmp_path))
    found = desk.advisor.recommend(config, "style", {"memory.checkpointing": "off", "data.resolution": 64})
    assert found.values["memory"]["checkpointing"] == "off"
    assert "advice_memory_none" in {reason.sentence.code for reason in found.reasons}


def test_a_recommendation_says_what_the_device_s_format_means(desk, random_sd1, pictures, tmp_path):
    config = options.build(values(random_sd1, pictures, tmp_path, save={"name": ""}))  # nothing is named yet
    found = desk.advisor.recommend(config, "style", {"data.resolution": 64})
    assert "advice_precision_fp32" in {reason.sentence.code for reason in found.reasons}
    kept = desk.advisor.recommend(config, "style", {"data.resolution": 64, "memory.precision": "fp32"})
    assert not any("memory.precision" in reason.paths for reason in kept.reasons)
