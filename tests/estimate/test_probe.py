"""One step that is tried out, and that leaves no trace."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lora_trainer import options
from lora_trainer.estimate import probe as probes
from lora_trainer.estimate.duration import duration, in_words
from lora_trainer.estimate.probe import Probe, probe
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.training.model import TrainingModel
from lora_trainer.training.survey import Survey, survey
from tests.runs import draw_pictures, run, same_weights, values
from tests.scarce import out_of_memory


@pytest.fixture
def asked(random_sd1: Path, pictures: Path, tmp_path: Path) -> Any:
    """A surveyed run and its host."""

    def make(**more: Any) -> tuple[Survey, StandaloneHost]:
        config = options.build(values(random_sd1, pictures, tmp_path / "out", **more))
        host = StandaloneHost(config.base, config.memory)
        return survey(config, host), host

    return make


def found_by(known: Survey, host: StandaloneHost, **more: Any) -> Probe:
    found = probe(known, host, **more)
    assert found is not None
    return found


def test_it_measures_memory_and_a_warm_step_and_foretells_the_run(asked: Any) -> None:
    known, host = asked(data__batch_size=2, steps=40, save__every=10, optimizer__accumulation=3)
    steps: list[int] = []
    found = found_by(known, host, tried=lambda done, total: steps.append(done))
    assert steps == [1, 2, 3] and (found.size, found.count) == ((64, 64), 2)
    assert 0 < found.peak < found.total and found.step_seconds > 0
    assert min(found.rates.forward, found.rates.decoding, found.rates.encoding, found.rates.caption) > 0

    lasts = duration(known, found)
    assert lasts.steps == pytest.approx(40 * found.step_seconds)
    assert lasts.total > lasts.steps + lasts.validations + lasts.samples > lasts.steps
    assert [bucket.share for bucket in lasts.buckets] == [1.0]


def test_a_run_after_it_is_bit_identical_to_one_without_it(asked: Any, tmp_path: Path) -> None:
    known, host = asked(steps=2, network__dropout=0.2)
    run(known.config)
    (tmp_path / "out").rename(tmp_path / "without")
    torch.manual_seed(7), np.random.seed(7), random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()

    found_by(known, host)

    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]
    assert not (tmp_path / "out").exists()
    run(known.config)
    assert same_weights(tmp_path / "without" / "zorb.safetensors", tmp_path / "out" / "zorb.safetensors")


def test_the_largest_micro_batch_is_tried(asked: Any, tmp_path: Path) -> None:
    wide = draw_pictures(tmp_path / "wide", count=3, side=96)
    known, host = asked(data__batch_size=2, data__upscale=False, data__folders=[str(wide)], data__resolution=96)
    assert found_by(known, host).count == 2


def test_memory_that_runs_out_is_an_answer(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known, host = asked()

    def scarce(*_: Any) -> None:
        raise out_of_memory()

    monkeypatch.setattr(TrainingModel, "predict", scarce)
    assert found_by(known, host).ran_out


def test_it_can_be_stopped_and_gives_the_base_back(asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known, host = asked()
    taken: list[int] = []
    assert probe(known, host, tried=lambda done, _: taken.append(done), stop=lambda: bool(taken)) is None
    assert taken == [1]
    monkeypatch.setattr(probes, "prepare", lambda *_: pytest.fail("nothing is to be prepared"))
    assert probe(known, host, stop=lambda: True) is None


def test_times_are_told_in_the_unit_that_suits_them() -> None:
    assert [in_words(seconds) for seconds in (0.131, 1.34, 84, 840, 11_100)] == [
        "0.13 s",
        "1.3 s",
        "84 s",
        "14 min",
        "3 h 5 min",
    ]
