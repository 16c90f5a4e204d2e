"""Whole runs for which the memory does not suffice as they were asked for."""

import json

import pytest
import torch

from lora_trainer import options
from lora_trainer.control import Control
from lora_trainer.events import Advised, Failed, Finished, Paused, Sample, Saved, Step, Validated, Warned
from lora_trainer.host.standalone import StandaloneHost, StandaloneLoan
from lora_trainer.run_folder import RunFolder
from lora_trainer.train import train
from lora_trainer.training.model import TrainingModel

from .runs import of_kind, run, tensors_of
from .scarce import out_of_memory


@pytest.fixture
def room(monkeypatch):
    """Lets a function of the package run out of memory when `too_much` says so of its first argument."""

    def make(owner, name, too_much):
        function = getattr(owner, name)

        def scarce(self, first, *more, **named):
            if too_much(first):
                raise out_of_memory()
            return function(self, first, *more, **named)

        monkeypatch.setattr(owner, name, scarce)

    return make


def told(events):
    return [event.code for event in of_kind(events, Warned) if event.code.startswith("memory_")]


def test_a_run_goes_on_with_fewer_pictures_at_a_time_and_ends_the_same(quick, tmp_path, room):
    more = {"data__batch_size": 4, "network__dropout": 0.2, "steps": 3}
    run(quick(save__output=str(tmp_path / "wanted"), **more))
    room(TrainingModel, "predict", lambda noisy: len(noisy) > 1)
    events = run(quick(save__output=str(tmp_path / "scarce"), **more))
    assert told(events) == ["memory_batch", "memory_batch"]
    assert [event.step for event in of_kind(events, Step)] == [1, 2, 3] and isinstance(events[-1], Finished)
    (advice,) = of_kind(events, Advised)
    assert advice.changes == {"data.batch_size": 1, "optimizer.accumulation": 4}
    wanted, got = (tensors_of(tmp_path / name / "zorb.safetensors") for name in ("wanted", "scarce"))
    ups = [name for name in wanted if "lora_up" in name]
    error = sum(float((got[name] - wanted[name]).square().sum()) for name in ups)
    assert error < 1e-6 * sum(float(wanted[name].square().sum()) for name in ups)


def test_what_was_given_up_is_on_record_but_not_in_the_options(quick, tmp_path, room):
    room(TrainingModel, "predict", lambda noisy: len(noisy) > 2)
    config = options.build(quick(data__batch_size=4, steps=1))
    run(config)
    folder = RunFolder(tmp_path, "zorb")
    assert options.differences(options.load(folder.config), config) == []
    environment = json.loads((folder.path / "environment.json").read_text(encoding="utf-8"))
    assert environment["given_up_for_memory"]["at_a_time"] == 2 and environment["packages"]
    (event,) = [event for event in folder.read_events() if isinstance(event, Warned) and event.code == "memory_batch"]
    assert event.values == {"step": 1, "batch": 4, "parts": "2 x 2", "at_a_time": 2}
    assert "result stays the same" in event.message


def test_a_resumed_run_begins_with_what_was_given_up(quick, room):
    room(TrainingModel, "predict", lambda noisy: len(noisy) > 1 and torch.is_grad_enabled())
    config, control = options.build(quick(data__batch_size=3, steps=3)), Control()
    events = []
    for event in train(config, StandaloneHost(config.base, config.memory), control):
        events.append(event)
        if isinstance(event, Step) and event.step == 2:
            control.pause()
    assert isinstance(events[-1], Paused) and told(events) == ["memory_batch", "memory_batch"]
    again = run(config, resume=True)
    assert told(again) == [] and isinstance(again[-1], Finished)


def test_a_resumed_run_goes_on_with_averages_in_bytes(quick, tmp_path, monkeypatch):
    config = options.build(quick(steps=3, save__every=2))
    predict, left = TrainingModel.predict, iter([1, 1, 1])

    def scarce(self, *more):
        if next(left, 0):
            raise out_of_memory()
        return predict(self, *more)

    monkeypatch.setattr(TrainingModel, "predict", scarce)
    events = run(config)
    assert told(events) == ["memory_checkpointing", "memory_checkpointing", "memory_bytes"]
    wanted = tensors_of(tmp_path / "zorb.safetensors")
    (tmp_path / "zorb.run" / "state" / "step00000003.safetensors").unlink()
    again = run(config, resume=True)
    assert [event.step for event in of_kind(again, Step)] == [3] and told(again) == []
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in tensors_of(tmp_path / "zorb.safetensors").items())


def test_a_run_ends_only_when_nothing_is_left_and_then_with_a_sentence(quick, tmp_path, room):
    broken = []
    room(TrainingModel, "predict", lambda noisy: bool(broken))
    config = options.build(quick(data__batch_size=2, steps=4, save__every=1))
    events = []
    for event in train(config, StandaloneHost(config.base, config.memory)):
        events.append(event)
        broken += [1] if isinstance(event, Saved) else []
    assert told(events)[-1] == "memory_again" and len(told(events)) == 5
    assert isinstance(events[-1], Failed) and "as little as possible" in events[-1].message
    assert (tmp_path / "zorb-step000001.safetensors").exists()
    assert "can't allocate memory" in (tmp_path / "zorb.run" / "error.txt").read_text(encoding="utf-8")


def test_another_error_ends_a_run_at_once(quick, monkeypatch):
    calls = []

    def fail(self, *more):
        calls.append(1)
        raise RuntimeError("The size of tensor a must match the size of tensor b.")

    monkeypatch.setattr(TrainingModel, "predict", fail)
    events = run(quick())
    assert isinstance(events[-1], Failed) and calls == [1] and told(events) == []


def test_pictures_are_encoded_fewer_at_a_time(quick, room):
    room(StandaloneLoan, "encode_pixels", lambda pixels: len(pixels) > 1)
    events = run(quick(data__batch_size=4, steps=1))
    assert set(told(events)) == {"memory_encoding"} and isinstance(events[-1], Finished)


def test_captions_are_encoded_at_a_second_try(quick, room):
    calls = []
    room(StandaloneLoan, "encode_captions", lambda captions: calls.append(captions) or len(calls) == 1)
    assert isinstance(run(quick(steps=1))[-1], Finished) and calls[0] == calls[1]


def test_validation_and_samples_are_taken_by_single_pictures(quick, room):
    more = {
        "steps": 1,
        "validation_every": 1,
        "samples__every": 1,
        "data__batch_size": 2,
        "data__validation_share": 0.5,
    }
    (wanted,) = of_kind(run(quick(**more)), Validated)
    room(TrainingModel, "predict", lambda noisy: len(noisy) > 1 and not torch.is_grad_enabled())
    events = run(quick(**more))
    assert of_kind(events, Validated)[0].loss == pytest.approx(wanted.loss, rel=1e-4)
    assert len(of_kind(events, Sample)) == 2 and told(events) == []


@pytest.mark.parametrize("optimizer", ["adamw", "schedule_free_adamw"])
def test_samples_and_validations_that_never_fit_are_left_out(quick, tmp_path, room, optimizer):
    more = {"steps": 2, "optimizer__name": optimizer, "optimizer__schedule": "constant"}
    run(quick(save__output=str(tmp_path / "wanted"), **more))
    room(TrainingModel, "predict", lambda noisy: not torch.is_grad_enabled())
    events = run(quick(save__output=str(tmp_path / "scarce"), validation_every=1, samples__every=2, **more))
    assert told(events) == ["memory_validation", "memory_validation", "memory_sample", "memory_sample"]
    assert isinstance(events[-1], Finished) and not of_kind(events, (Sample, Validated))
    wanted, got = (tensors_of(tmp_path / name / "zorb.safetensors") for name in ("wanted", "scarce"))
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)
