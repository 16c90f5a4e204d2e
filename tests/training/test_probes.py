"""What a run measures of itself beside its losses: it is told, and it changes nothing."""

import pytest

from lora_trainer import options
from lora_trainer.data.plan import RunPlan
from lora_trainer.data.scan import scan
from lora_trainer.events import Compared, Reached, Step, Understood, Validated, Warned
from lora_trainer.training import probes, understanding
from lora_trainer.training.model import TrainingModel
from lora_trainer.training.probes import EVERYDAY, Questions
from tests.runs import of_kind, run, same_weights, stream, values
from tests.scarce import out_of_memory

VARIANTS = (
    {"network__dropout": 0.2},
    {"network__train_text_encoder": True, "network__rank_dropout": 0.3},
    {"optimizer__name": "schedule_free_adamw", "optimizer__schedule": "constant"},
)


@pytest.fixture
def quick(random_sd1, pictures, tmp_path):
    """Options of a run of 16 showings with a trigger word, into a folder of `tmp_path`."""

    def make(name="run", **more):
        short = {"steps": 4, "data__batch_size": 4, "data__trigger_word": "zorb", "validation_every": 2}
        return values(random_sd1, pictures, tmp_path / name, **(short | more))

    return make


@pytest.fixture
def probed(monkeypatch):
    """Short runs are measured too."""
    monkeypatch.setattr(probes, "FEWEST_SHOWINGS", 1)
    monkeypatch.setattr(understanding, "SHOWINGS", 1)


def questions(values):
    config = options.build(values)
    return Questions.of(RunPlan.from_config(scan(config.data).pictures, config), config)


@pytest.mark.parametrize("more", VARIANTS, ids=lambda more: next(iter(more)))
def test_losses_and_weights_are_those_of_a_run_that_is_not_measured(quick, tmp_path, request, more):
    plain = run(quick("plain", **more))
    request.getfixturevalue("probed")
    measured = run(quick("measured", **more))
    assert not of_kind(plain, (Understood, Reached)) and len(of_kind(measured, (Understood, Reached))) == 3
    for kind in (Step, Validated):
        assert [event.loss for event in of_kind(plain, kind)] == [event.loss for event in of_kind(measured, kind)]
    assert same_weights(tmp_path / "plain" / "zorb.safetensors", tmp_path / "measured" / "zorb.safetensors")


def test_the_base_is_asked_between_steps_and_the_lora_after_every_validation(quick, probed):
    events = [event for event in run(quick()) if isinstance(event, (Compared, Understood, Step, Validated, Reached))]
    kinds = [type(event).__name__ for event in events]
    cycle = ["Step", "Step", "Validated", "Reached"]
    assert kinds == ["Compared", *cycle, *cycle, "Understood"]
    (asked,) = of_kind(events, Understood)
    assert asked.pictures == 4 and 0 <= asked.helped <= 4 and asked.said > 0 and asked.everyday > 0
    first, last = of_kind(events, Reached)
    assert last.kept < first.kept < 1.01 and not last.prior


def test_a_question_takes_two_predictions_and_the_answer_is_there_before_the_end(quick, probed, monkeypatch):
    predict, asked = TrainingModel.predict, []

    def counting(self, *more):
        asked[-1] += 1
        return predict(self, *more)

    monkeypatch.setattr(TrainingModel, "predict", counting)
    steps = 0
    for event in stream(quick(steps=60, validation_every=1000)):
        steps += isinstance(event, Step)
        if isinstance(event, Understood):
            break
        asked.append(0)
    assert steps < 60
    assert max(asked) <= 1 + 2  # a step of one micro-batch, and a question


def test_a_style_without_a_word_and_a_trial_are_not_followed(quick, probed, monkeypatch):
    assert questions(quick(data__trigger_word="")).others == ()
    monkeypatch.setattr(probes, "FEWEST_SHOWINGS", 17)
    assert questions(quick()).others == () and questions(quick(steps=5)).others


def test_the_base_is_asked_about_captions_without_the_word(quick, probed):
    asked = questions(quick())
    assert {*asked.described.values()} == {"a, number 0", "a, number 1"}
    assert asked.others == EVERYDAY and {*EVERYDAY, *asked.described.values()} == {*asked.texts}


def test_regularization_pictures_say_what_should_stay(quick, probed, pictures, tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "1.png").write_bytes((pictures / "1.png").read_bytes())
    (tmp_path / "class" / "1.txt").write_text("a thing", encoding="utf-8")
    folders = [str(pictures), {"path": str(tmp_path / "class"), "regularization": True}]
    asked = questions(quick(data__folders=folders))
    assert asked.others == ("a thing",) and asked.prior


def test_captions_of_the_word_alone_have_nothing_to_be_understood(quick, probed, tmp_path, pictures):
    folder = tmp_path / "bare"
    folder.mkdir()
    for picture in pictures.glob("*.png"):
        (folder / picture.name).write_bytes(picture.read_bytes())
    assert questions(quick(data__folders=[str(folder)])).described == {}


def test_a_measure_that_does_not_fit_is_left_out_and_said_so(quick, probed, monkeypatch):
    predict = TrainingModel.predict

    def scarce(self, noisy, *more):
        import torch

        if not torch.is_grad_enabled():
            raise out_of_memory()
        return predict(self, noisy, *more)

    monkeypatch.setattr(TrainingModel, "predict", scarce)
    events = run(quick(validation_every=4, steps=2))
    told = [event.code for event in of_kind(events, Warned) if event.code.startswith("memory_")]
    assert told[:3] == ["memory_measure", "memory_validation", "memory_measure"]
    assert not of_kind(events, (Understood, Reached))
