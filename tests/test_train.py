import random
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from lora_trainer import options
from lora_trainer.control import Control
from lora_trainer.data.cache import MemoryStore
from lora_trainer.errors import (
    BaseAway,
    BaseModelError,
    ConfigError,
    DataError,
    FileFormatError,
    TrainingError,
    UserError,
)
from lora_trainer.events import Failed, Finished, Paused, Sample, Saved, Started, Step, Validated, Warned
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.host.standalone import StandaloneHost, StandaloneLoan
from lora_trainer.objective import Objective
from lora_trainer.run_folder import RunFolder
from lora_trainer.text.tokenizer import load_tokenizer
from lora_trainer.train import train
from lora_trainer.training.survey import resumed_config

from .runs import of_kind, run, same_weights, tensors_of, values


@pytest.fixture
def quick(random_sd1, pictures, tmp_path):
    """Options of a quick run into `tmp_path`."""
    return lambda **more: values(random_sd1, pictures, tmp_path, **more)


def test_a_run_leaves_the_files_and_tells_the_events_that_it_promises(quick, tmp_path):
    events = run(quick(save__every=2, validation_every=2, samples__every=4, samples__prompts=["a zorb"]))
    (started,), (finished,) = of_kind(events, Started), of_kind(events, Finished)
    assert (started.modules, started.total_steps, started.save_steps) == (192, 4, (2,))
    assert [event.step for event in of_kind(events, Step)] == [1, 2, 3, 4]
    assert [event.step for event in of_kind(events, Validated)] == [2, 4]
    assert [(event.step, event.final) for event in of_kind(events, Saved)] == [(2, False), (4, True)]
    assert [event.step for event in of_kind(events, Sample)] == [4]
    assert finished.path == str(tmp_path / "zorb.safetensors")
    assert finished.best_step in (2, 4)
    run_folder = tmp_path / "zorb.run"
    present = {path.name for path in run_folder.iterdir()}
    assert {"config.yaml", "environment.json", "events.jsonl", "state", "samples"} <= present
    environment = RunFolder(tmp_path, "zorb").read_environment()
    assert environment["host"] == "standalone" and len(environment["base"]["sha256"]) == 64
    assert len((run_folder / "events.jsonl").read_text(encoding="utf-8").splitlines()) == len(events)


def test_the_best_of_the_saves_is_named_though_a_step_without_a_file_was_better(quick, tmp_path, monkeypatch):
    losses = {1: 0.1, 2: 0.2, 3: 0.15, 4: 0.3}
    monkeypatch.setattr(
        "lora_trainer.training.validation.Validation._losses",
        lambda self, batch, number, stratum: torch.tensor([losses[len(self.losses) + 1]]),
    )
    events = run(quick(save__every=2, validation_every=1))
    assert [event.step for event in of_kind(events, Validated) if event.best] == [1]
    assert (events[-1].best_step, events[-1].best_path) == (2, str(tmp_path / "zorb-step000002.safetensors"))


def test_the_file_holds_all_192_modules_with_rank_alpha_and_metadata(quick, tmp_path):
    run(quick(network__alpha=1.0, data__trigger_word="zorb", save__dtype="fp16"))
    file = read_lora(tmp_path / "zorb.safetensors")
    assert file.parts == {"unet": 192}
    assert {(module.rank, module.alpha) for module in file.modules.values()} == {(2, 1.0)}
    assert file.dtype == torch.float16
    assert file.metadata["ss_base_model_version"] == "sd_v1"
    assert file.metadata["ss_output_name"] == "zorb"
    assert file.metadata["ss_steps"] == "4"
    assert len(file.metadata["ss_new_sd_model_hash"]) == 64


def test_the_same_seed_gives_the_same_file_and_another_seed_another(quick, tmp_path):
    run(quick(save__output=str(tmp_path / "a")))
    run(quick(save__output=str(tmp_path / "b")))
    run(quick(save__output=str(tmp_path / "c"), seed=7))
    assert same_weights(tmp_path / "a" / "zorb.safetensors", tmp_path / "b" / "zorb.safetensors")
    assert not same_weights(tmp_path / "a" / "zorb.safetensors", tmp_path / "c" / "zorb.safetensors")


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
    steps = [event.step for event in StoredEvents(tmp_path / "broken" / "zorb.run").steps()]
    assert steps == [1, 2, 3, 4]


class StoredEvents:
    """What events.jsonl holds."""

    def __init__(self, folder):
        from lora_trainer.run_folder import RunFolder

        self._folder = RunFolder(folder.parent, folder.name.removesuffix(".run"))

    def steps(self):
        return of_kind(list(self._folder.read_events()), Step)


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


def test_an_earlier_run_of_the_same_name_is_kept(quick, tmp_path):
    run(quick(steps=1))
    events = run(quick(steps=1))
    assert "put_aside" in [event.code for event in of_kind(events, Warned)]
    assert (tmp_path / "zorb.run-1" / "zorb.safetensors").exists()


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


def test_two_runs_of_one_name_at_a_time_are_refused_and_the_first_is_left_alone(quick, tmp_path):
    config = options.build(quick())
    first = train(config, StandaloneHost(config.base, config.memory))
    next(first)
    for resume in (False, True):
        with pytest.raises(UserError, match="right now"):
            run(quick(), resume=resume)
    assert isinstance(list(first)[-1], Finished)
    assert not (tmp_path / "zorb.run-1").exists()


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


def test_the_global_random_states_are_left_as_they_were(quick):
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    run(quick(network__dropout=0.3, memory__checkpointing="all", samples__every=4))
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


def test_accumulated_micro_batches_give_the_gradient_of_one_large_batch(quick, tmp_path):
    """The mean over two micro-batches of two pictures is the mean over four pictures, if the noise is the same."""
    large = {"data__batch_size": 4, "optimizer__accumulation": 1}
    small = {"data__batch_size": 2, "optimizer__accumulation": 2}
    norms = []
    for name, more in (("large", large), ("small", small)):
        (step,) = of_kind(run(quick(steps=1, save__output=str(tmp_path / name), **more)), Step)
        norms.append(step.gradient_norm)
    assert norms[0] == pytest.approx(norms[1], rel=0.5)


def test_bad_steps_are_skipped_and_told(quick, tmp_path, monkeypatch):
    spoil(monkeypatch, {1})
    events = run(quick(save__output=str(tmp_path / "bad")))
    assert [event.step for event in of_kind(events, Warned) if event.code == "bad_step"] == [2]
    assert of_kind(events, Finished)
    weights = tensors_of(tmp_path / "bad" / "zorb.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


def test_a_validation_without_a_number_is_told_and_is_not_the_best(quick, monkeypatch):
    monkeypatch.setattr("lora_trainer.training.validation.Validation._losses", lambda *_: torch.tensor([float("nan")]))
    events = run(quick(steps=1, validation_every=1))
    assert "bad_validation" in [event.code for event in of_kind(events, Warned)]
    assert not of_kind(events, Validated) and events[-1].best_step == 0


def test_many_bad_steps_in_a_row_stop_the_run_and_leave_earlier_saves_alone(quick, tmp_path, monkeypatch):
    spoil(monkeypatch, range(2, 100))
    events = run(quick(steps=50, save__every=2, stop_after_bad_steps=3))
    (failed,) = of_kind(events, Failed)
    assert "no numbers" in failed.message and "learning_rate" in failed.message
    assert [path.name for path in sorted(tmp_path.glob("*.safetensors"))] == [
        "zorb-step000002.safetensors",
        "zorb-step000004.safetensors",
    ]


def spoil(monkeypatch, steps):
    """Make the losses of these steps (from 0) no numbers."""
    original, counter = Objective.losses, iter(range(10**6))

    def losses(self, prediction, task, mask=None):
        factor = float("nan") if next(counter) in steps else 1.0
        return original(self, prediction, task, mask) * factor

    monkeypatch.setattr(Objective, "losses", losses)


def test_a_full_disk_is_told_before_the_first_step(quick, monkeypatch):
    monkeypatch.setattr("lora_trainer.files.disk.free_bytes", lambda folder: 1000)
    events = run(quick())
    (paused,) = of_kind(events, Paused)
    assert "free" in paused.message and not of_kind(events, Step)


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


def test_wrong_options_and_empty_folders_stop_before_the_model_is_touched(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(StandaloneHost, "lend", lambda self: pytest.fail("The model was touched."))
    with pytest.raises(ConfigError):
        run(quick(optimizer__name="adamm"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        run(quick(data__folders=[str(tmp_path / "empty")]))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png"):
        run(quick(data__folders=[str(tmp_path / "broken")]))


def test_a_picture_that_cannot_be_read_is_named_and_left_out(quick, pictures, tmp_path):
    from .runs import draw_pictures

    folder = draw_pictures(tmp_path / "pictures", count=2)
    (folder / "bad.png").write_bytes(b"\x89PNG\r\n")
    events = run(quick(data__folders=[str(folder)], steps=1))
    assert any("bad.png" in event.message for event in of_kind(events, Warned))
    assert of_kind(events, Started)[0].pictures == 2


def test_training_on_begins_with_the_function_of_the_file(quick, tmp_path):
    run(quick(steps=2, save__name="first"))
    first = tmp_path / "first.safetensors"
    run(quick(steps=1, save__name="second", network__train_on=str(first), optimizer__learning_rate=0.0))
    assert same_weights(first, tmp_path / "second.safetensors")


def test_training_on_from_what_is_no_lora_of_this_base_stops_before_the_model_is_touched(
    quick, random_sd1, tmp_path, monkeypatch
):
    monkeypatch.setattr(StandaloneHost, "lend", lambda self: pytest.fail("The model was touched."))
    with pytest.raises(FileFormatError, match="no LoRA modules"):
        run(quick(network__train_on=str(random_sd1)))
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    write_lora(tmp_path / "xl.safetensors", {name: LoraModule(torch.zeros(2, 8), torch.zeros(8, 2), 1.0)}, {})
    with pytest.raises(FileFormatError, match="is a LoRA for sdxl"):
        run(quick(network__train_on=str(tmp_path / "xl.safetensors")))


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


def test_text_encoders_are_trained_with_their_own_rate(quick, tmp_path):
    events = run(quick(network__train_text_encoder=True, optimizer__text_encoder_rate=1e-5))
    assert read_lora(tmp_path / "zorb.safetensors").parts == {"unet": 192, "te": 72}
    assert set(of_kind(events, Step)[0].rates) == {"unet", "text_encoder"}


def test_only_text_encoders_can_be_trained(quick, tmp_path):
    run(quick(network__train_text_encoder=True, network__train_unet=False))
    assert read_lora(tmp_path / "zorb.safetensors").parts == {"te": 72}


def test_checkpointing_changes_nothing_but_memory(quick, tmp_path):
    for mode in ("off", "largest", "all"):
        run(quick(save__output=str(tmp_path / mode), memory__checkpointing=mode, network__dropout=0.2))
    whole = tensors_of(tmp_path / "off" / "zorb.safetensors")
    for mode in ("largest", "all"):
        other = tensors_of(tmp_path / mode / "zorb.safetensors")
        for key, tensor in whole.items():
            torch.testing.assert_close(other[key], tensor, rtol=1e-3, atol=1e-6)


def test_bf16_trains(quick):
    events = run(quick(memory__precision="bf16", steps=2))
    assert of_kind(events, Finished) and all(event.loss > 0 for event in of_kind(events, Step))


def test_packed_weights_train_as_plain_ones_do(quick):
    packed, plain = (
        [step.loss for step in of_kind(run(quick(memory__precision="bf16", memory__packing=packing)), Step)]
        for packing in (True, False)
    )
    assert packed == pytest.approx(plain, rel=0.05)


def test_a_mask_that_keeps_nothing_leaves_nothing_to_learn(quick, pictures, tmp_path):
    masked = tmp_path / "masked"
    masked.mkdir()
    picture = next(pictures.glob("*.png"))
    shutil.copy(picture, masked / "a.png")
    Image.new("L", (8, 8), 0).save(masked / "a-mask.png")
    events = run(quick(data__folders=[str(masked)], data__masks=True, steps=1))
    assert [step.loss for step in of_kind(events, Step)] == [0.0]


def test_keep_last_leaves_the_newest_saves_and_the_best(quick, tmp_path, monkeypatch):
    losses = {1: 0.4, 2: 0.1, 3: 0.3, 4: 0.2, 5: 0.5, 6: 0.6}
    monkeypatch.setattr(
        "lora_trainer.training.validation.Validation._losses",
        lambda self, batch, number, stratum: torch.tensor([losses[len(self.losses) + 1]]),
    )
    events = run(quick(save__every=1, save__keep_last=2, validation_every=1, steps=6))
    kept = sorted(path.stem for path in tmp_path.glob("zorb-step*.safetensors"))
    assert kept == ["zorb-step000002", "zorb-step000004", "zorb-step000005"]
    assert events[-1].best_path == str(tmp_path / "zorb-step000002.safetensors")


def test_keep_last_leaves_only_the_newest_saves(quick, tmp_path):
    run(quick(save__every=1, save__keep_last=1))
    assert [path.name for path in sorted(tmp_path.glob("*.safetensors"))] == [
        "zorb-step000003.safetensors",
        "zorb.safetensors",
    ]


@pytest.mark.parametrize(
    ("words", "most", "advice"),
    [(80, 75, "set base.max_tokens to 150."), (200, 75, "set base.max_tokens to 225."), (240, 225, "Shorten them.")],
)
def test_captions_that_are_too_long_are_told_once_before_the_first_step(quick, pictures, tmp_path, words, most, advice):
    own = tmp_path / "own"
    shutil.copytree(pictures, own)
    for number in range(2):
        (own / f"{number}.txt").write_text("zorb " + "cat " * words, encoding="utf-8")
    events = run(quick(data__folders=[str(own)], base__max_tokens=most, steps=2))
    (warned,) = [event for event in of_kind(events, Warned) if event.code == "captions_cut"]
    assert "2 of 4 captions (0.png, 1.png)" in warned.message and warned.message.endswith(advice)
    assert warned.values["lost"] == 2 * (len(load_tokenizer().encode("zorb")) + words - most)
    assert events.index(warned) < events.index(of_kind(events, Started)[0])


def test_a_disk_cache_is_used_again(quick, tmp_path, monkeypatch):
    cached = {"data__cache": "disk", "data__cache_folder": str(tmp_path / "cache"), "steps": 1}
    run(quick(**cached))
    monkeypatch.setattr(
        "lora_trainer.host.standalone.StandaloneLoan.encode_pixels", lambda self, pixels: pytest.fail("Encoded again.")
    )
    assert of_kind(run(quick(**cached)), Finished)


def test_a_failure_of_the_run_raises_in_the_phases(quick, monkeypatch):
    from lora_trainer import LoRATrainer

    spoil(monkeypatch, range(100))
    with (
        pytest.raises(TrainingError, match="no numbers"),
        LoRATrainer(quick(steps=50, stop_after_bad_steps=2)) as trainer,
    ):
        list(trainer.train())
