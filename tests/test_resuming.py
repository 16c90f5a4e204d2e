"""A run that was stopped, paused or broken off goes on as if nothing had been."""

import shutil

import pytest

from lora_trainer import options
from lora_trainer.control import Control
from lora_trainer.data.cache import MemoryStore
from lora_trainer.errors import BaseAway, BaseModelError
from lora_trainer.events import Finished, Paused, Saved, Started, Step, Warned
from lora_trainer.files.read import read_lora
from lora_trainer.host.standalone import StandaloneHost, StandaloneLoan
from lora_trainer.run_folder import RunFolder
from lora_trainer.train import train
from lora_trainer.training.survey import resumed_config

from .runs import of_kind, run, same_weights


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_run_that_was_broken_off_ends_as_one_that_was_not(quick, tmp_path, stop_after):
    more = {"save__every": 1, "network__dropout": 0.2, "data__flip": True, "data__caption_dropout": 0.3}
    more |= {"loss__pyramid_levels": 3, "loss__input_perturbation": 0.1, "optimizer__loraplus_ratio": 4.0}
    run(quick(save__output=str(tmp_path / "whole"), **more))
    broken = options.build(quick(save__output=str(tmp_path / "broken"), **more))
    events = train(broken, StandaloneHost(broken.base, broken.memory))
    for event in events:
        if isinstance(event, Step) and event.step > stop_after:
            break
    events.close()
    after = run(broken, resume=True)
    assert of_kind(after, Started)[0].first_step == stop_after
    assert same_weights(tmp_path / "whole" / "zorb.safetensors", tmp_path / "broken" / "zorb.safetensors")
    stored = list(RunFolder(tmp_path / "broken", "zorb").read_events())
    assert [event.step for event in of_kind(stored, Step)] == [1, 2, 3, 4]


def test_a_resumed_run_needs_only_its_name(quick, tmp_path):
    config = quick()
    run(config)
    stored = resumed_config({"save": {"name": "zorb", "output": str(tmp_path)}, "steps": 6})
    assert stored.base.checkpoint == config["base"]["checkpoint"]
    events = run(stored, resume=True)
    assert [event.step for event in of_kind(events, Step)] == [5, 6]


def test_what_was_changed_before_resuming_is_said(quick, tmp_path):
    run(quick())
    events = run(quick(steps=5, optimizer__learning_rate=3e-4), resume=True)
    (note,) = [event.message for event in of_kind(events, Warned) if event.code == "changed_options"]
    assert "optimizer.learning_rate" in note and "steps" in note


def test_resuming_without_a_state_starts_at_the_beginning_and_says_so(quick):
    events = run(quick(steps=1), resume=True)
    assert "no_state" in [event.code for event in of_kind(events, Warned)]
    assert of_kind(events, Started)[0].first_step == 0


def test_stop_and_save_leaves_a_lora_and_a_state(quick, tmp_path):
    control = Control()
    config = options.build(quick(steps=50))
    events = []
    for event in train(config, StandaloneHost(config.base, config.memory), control):
        events.append(event)
        if isinstance(event, Step) and event.step == 2:
            control.stop_and_save()
    (finished,) = of_kind(events, Finished)
    assert (finished.step, finished.stopped) == (2, True)
    assert (tmp_path / "zorb.safetensors").exists()
    assert of_kind(run(quick(steps=3), resume=True), Started)[0].first_step == 2


def test_stop_saves_no_lora_but_a_state(quick, tmp_path):
    control = Control()
    control.stop()
    (finished,) = of_kind(run(quick(), control=control), Finished)
    assert (finished.step, finished.path) == (0, "")
    assert not (tmp_path / "zorb.safetensors").exists()


def test_a_stop_while_pictures_are_encoded_writes_no_lora_of_nothing(quick, tmp_path):
    control, events = Control(), []
    config = options.build(quick())
    for event in train(config, StandaloneHost(config.base, config.memory), control):
        events.append(event)
        control.stop_and_save()
    assert isinstance(events[-1], Finished) and events[-1].stopped and not of_kind(events, Started)
    assert not (tmp_path / "zorb.safetensors").exists()


def paused_after(config, step, **more):
    """The events of a run that is paused after `step` steps."""
    control, events = Control(), []
    for event in train(config, StandaloneHost(config.base, config.memory), control, **more):
        events.append(event)
        if isinstance(event, Step) and event.step == step:
            control.pause()
    return events


def test_a_paused_run_goes_on_as_if_nothing_had_been(quick, tmp_path):
    run(quick(save__output=str(tmp_path / "whole")))
    config = options.build(quick(save__output=str(tmp_path / "paused")))
    assert paused_after(config, 2)[-1] == Paused(2)
    assert of_kind(run(config, resume=True), Started)[0].first_step == 2
    assert same_weights(tmp_path / "whole" / "zorb.safetensors", tmp_path / "paused" / "zorb.safetensors")


def test_a_pause_leaves_a_save_to_try_out(quick):
    events = paused_after(options.build(quick()), 2)
    assert [(save.step, save.final) for save in of_kind(events, Saved)] == [(2, False)]


def test_what_was_encoded_before_a_pause_is_not_encoded_again(quick, monkeypatch):
    config, store = options.build(quick()), MemoryStore()
    paused_after(config, 2, store=store)

    def fail(*arguments, **more):
        raise AssertionError("encoded again")

    monkeypatch.setattr(StandaloneLoan, "encode_pixels", fail)
    monkeypatch.setattr(StandaloneLoan, "encode_captions", fail)
    events = list(train(config, StandaloneHost(config.base, config.memory), resume=True, store=store))
    assert isinstance(events[-1], Finished)


class AwayHost(StandaloneHost):
    """A host whose base is taken away before the third step."""

    def give_way(self):
        self.asked = getattr(self, "asked", 0) + 1
        if self.asked == 3:
            raise BaseAway("Select pocket to go on.")
        return False


def test_a_run_whose_base_is_away_pauses_with_the_reason_and_goes_on_the_same(quick, tmp_path):
    run(quick(save__output=str(tmp_path / "whole")))
    config = options.build(quick(save__output=str(tmp_path / "away")))
    events = list(train(config, AwayHost(config.base, config.memory)))
    assert events[-1] == Paused(2, "Select pocket to go on.")
    run(config, resume=True)
    assert same_weights(tmp_path / "whole" / "zorb.safetensors", tmp_path / "away" / "zorb.safetensors")


def test_a_run_does_not_go_on_with_another_base_under_the_same_name(quick, random_sd1, tmp_path):
    base = tmp_path / "base.safetensors"
    shutil.copyfile(random_sd1, base)
    config = quick(base__checkpoint=str(base), steps=1)
    run(config)
    content = bytearray(base.read_bytes())
    content[-(2**20) :] = bytes(2**20)
    base.write_bytes(content)
    with pytest.raises(BaseModelError, match="another one now"):
        run(config, resume=True)


@pytest.mark.parametrize("kind", ["dora", "lokr", "loha"])
def test_every_type_of_network_resumes_bit_identically_and_goes_on_from_its_file(quick, tmp_path, kind):
    more = {"network__type": kind, "network__conv_rank": 2, "network__dropout": 0.1, "memory__checkpointing": "largest"}
    run(quick(save__output=str(tmp_path / "whole"), steps=2, **more))
    run(quick(save__output=str(tmp_path / "halves"), steps=1, **more))
    run(quick(save__output=str(tmp_path / "halves"), steps=2, **more), resume=True)
    file = tmp_path / "whole" / "zorb.safetensors"
    assert same_weights(file, tmp_path / "halves" / "zorb.safetensors")
    assert {module.kind for module in read_lora(file).known.values()} == {kind}
    run(quick(save__output=str(tmp_path / "on"), steps=1, network__train_on=str(file), **more))


@pytest.mark.parametrize(
    "optimizer", ["adamw", "adafactor", "lion", "prodigy", "schedule_free_adamw", "torch.optim.RAdam"]
)
def test_every_optimizer_resumes_bit_identically(quick, tmp_path, optimizer):
    more = {"optimizer__name": optimizer, "optimizer__schedule": "constant", "steps": 3, "data__batch_size": 2}
    run(quick(save__output=str(tmp_path / "whole"), **more))
    run(quick(save__output=str(tmp_path / "halves"), **{**more, "steps": 2}))
    run(quick(save__output=str(tmp_path / "halves"), **more), resume=True)
    assert same_weights(tmp_path / "whole" / "zorb.safetensors", tmp_path / "halves" / "zorb.safetensors")
