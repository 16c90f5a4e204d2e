"""Which base it is, and what happens when the host swaps it under a run."""

import shutil
from dataclasses import replace

import pytest
import torch
from torch import nn

from lora_trainer.errors import BaseModelError
from lora_trainer.host.webui import conditioning, loan
from lora_trainer.host.webui.host import WebUIHost
from lora_trainer.sentences import Sentence
from tests.bases import random_base
from tests.host.webui.conftest import copied
from tests.host.webui.states import draw, losses, run, snapshot


def widen(model, inputs):
    unet = model.model.diffusion_model
    weight = unet.get_parameter("input_blocks.0.0.weight")
    unet.get_submodule("input_blocks.0.0").weight = nn.Parameter(torch.zeros(weight.shape[0], inputs, 3, 3))


KINDS = {
    "base_is_inpainting": lambda model, webui: widen(model, 9),
    "base_is_pix2pix": lambda model, webui: widen(model, 8),
    "base_has_inputs": lambda model, webui: widen(model, 5),
    "base_is_sd3": lambda model, webui: setattr(model, "is_sd3", True),
    "base_is_ssd": lambda model, webui: setattr(model, "is_ssd", True),
    "half_on_cpu": lambda model, webui: model.half(),
    "lowvram": lambda model, webui: setattr(webui.shared.cmd_opts, "lowvram", True),
}


@pytest.mark.parametrize("code", KINDS)
def test_what_cannot_be_trained_on_is_said_in_a_sentence(webui, code):
    KINDS[code](webui.shared.sd_model, webui)
    for ask in (WebUIHost().describe, WebUIHost().lend().__enter__):
        with pytest.raises(BaseModelError) as raised:
            ask()
        assert isinstance(raised.value.sentence, Sentence) and raised.value.sentence.code == code
    assert webui.call_queue.queue_lock.acquire(blocking=False)


def test_the_refiner_is_refused(standin):
    webui = standin("sdxl")
    embedders = webui.shared.sd_model.conditioner.embedders
    embedders[0] = embedders[1]
    with pytest.raises(BaseModelError, match="refiner"):
        WebUIHost().describe()


def test_a_host_without_checkpoints_is_a_sentence(webui):
    webui.sd_models.checkpoints_list.clear()
    webui.sd_models.checkpoint_aliases.clear()
    with pytest.raises(BaseModelError, match="no checkpoint"):
        WebUIHost().describe()


def test_a_base_that_is_not_loaded_is_described_from_its_file_and_loaded_when_it_is_lent(webui, pictures, tmp_path):
    known = WebUIHost().describe()
    webui.sd_models.model_data.sd_model = None
    described = WebUIHost().describe()
    assert webui.sd_models.model_data.sd_model is None
    assert described == replace(known, sha256=described.sha256) and "down.2" in described.blocks
    assert run(pictures, tmp_path, steps=1)[-1].kind == "finished"


def swap_and_back(webui):
    other = copied(random_base("sd1"), webui.folder, "other")
    other_info = webui.sd_models.CheckpointInfo(other)
    other_info.register()
    mine = webui.shared.opts.sd_model_checkpoint
    webui.sd_models.reload_model_weights(info=other_info)
    webui.shared.opts.sd_model_checkpoint = mine


MOVES = {
    "another checkpoint in the same modules": swap_and_back,
    "the model thrown away": lambda webui: webui.sd_models.send_model_to_trash(webui.sd_models.model_data.sd_model),
    "a switch that failed after the model was thrown away": lambda webui: [
        webui.sd_models.send_model_to_trash(webui.sd_models.model_data.sd_model),
        setattr(webui.sd_models.model_data, "sd_model", None),
    ],
    "a failed switch": lambda webui: setattr(webui.sd_models.model_data, "sd_model", None),
    "the model loaded anew": lambda webui: webui.sd_models.load_model(),
}


@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("text_encoder", [False, True])
def test_a_swap_under_a_run_changes_no_loss(webui, pictures, tmp_path, move, text_encoder):
    webui.folder = tmp_path / "others"
    options = {"steps": 3, "network__train_text_encoder": text_encoder}
    undisturbed = run(pictures, tmp_path / "a", **options)
    picture = draw(webui)

    def at(event):
        if event.kind == "step" and event.step == 1:
            MOVES[move](webui)

    swapped = run(pictures, tmp_path / "b", at=at, **options)
    assert swapped[-1].kind == "finished", swapped[-1]
    assert losses(swapped) == losses(undisturbed)
    assert draw(webui) == picture


def test_a_model_thrown_away_in_the_middle_of_a_step_is_brought_back_and_the_step_taken_anew(
    webui, pictures, tmp_path, monkeypatch
):
    from lora_trainer.objective import Objective

    undisturbed = run(pictures, tmp_path / "a", steps=3)
    calls, losses_of = [], Objective.losses

    def throw_away(self, *arguments):
        calls.append(None)
        if len(calls) == 2:
            webui.sd_models.send_model_to_trash(webui.sd_models.model_data.sd_model)
        return losses_of(self, *arguments)

    monkeypatch.setattr(Objective, "losses", throw_away)
    events = run(pictures, tmp_path / "b", steps=3)
    assert losses(events) == losses(undisturbed)


ENCODINGS = {
    "pictures": (loan.WebUILoan, "_means"),
    "captions": (conditioning, "encode"),
    "a sample": (loan.WebUILoan, "_pictures"),
}


@pytest.mark.parametrize("what", ENCODINGS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_the_model_was_moved_under_is_encoded_again(webui, pictures, tmp_path, monkeypatch, what, when):
    owner, name = ENCODINGS[what]
    work, calls = getattr(owner, name), []

    def moved(*arguments):
        calls.append(None)
        if len(calls) == 1 and when == "before":
            webui.sd_models.send_model_to_trash(webui.sd_models.model_data.sd_model)
        made = work(*arguments)
        if len(calls) == 1 and when == "after":
            webui.sd_models.send_model_to_trash(webui.sd_models.model_data.sd_model)
        return made

    undisturbed = run(pictures, tmp_path / "a", steps=2, samples__every=1)
    monkeypatch.setattr(owner, name, moved)
    events = run(pictures, tmp_path / "b", steps=2, samples__every=1)
    assert events[-1].kind == "finished", events[-1]
    assert losses(events) == losses(undisturbed)


def test_a_run_whose_base_cannot_be_loaded_again_pauses_and_keeps_what_it_has_learned(
    webui, pictures, tmp_path, monkeypatch
):
    undisturbed, load = run(pictures, tmp_path / "a", steps=3), webui.sd_models.load_model

    def refuse(info=None):
        raise RuntimeError("no memory for it")

    def throw_away_for_good(event):
        if event.kind == "step":
            webui.sd_models.send_model_to_trash(webui.sd_models.model_data.sd_model)
            monkeypatch.setattr(webui.sd_models, "load_model", refuse)

    first = run(pictures, tmp_path / "b", steps=3, at=throw_away_for_good)
    assert (first[-1].kind, first[-1].step, first[-1].message.code) == ("paused", 1, "base_lost")
    monkeypatch.setattr(webui.sd_models, "load_model", load)
    assert losses(first) + losses(run(pictures, tmp_path / "b", steps=3, resume=True)) == losses(undisturbed)


def test_when_another_checkpoint_is_selected_the_run_pauses_and_says_which_one_it_wants(webui, pictures, tmp_path):
    other = webui.sd_models.CheckpointInfo(copied(random_base("sd1"), tmp_path / "others", "other"))
    other.register()
    mine = webui.shared.opts.sd_model_checkpoint
    undisturbed = run(pictures, tmp_path / "a", steps=3)

    def select_another(event):
        if event.kind == "step" and event.step == 1:
            webui.shared.opts.sd_model_checkpoint = other.title
            webui.sd_models.reload_model_weights()

    first = run(pictures, tmp_path / "b", steps=3, at=select_another)
    assert first[-1].kind == "paused" and first[-1].step == 1
    assert first[-1].message.code == "base_away" and first[-1].message.values["name"] == "sd1-epsilon"
    before = snapshot(webui)
    (waiting,) = run(pictures, tmp_path / "b", steps=3, base__checkpoint=mine, resume=True)
    assert (waiting.kind, waiting.step, waiting.message) == ("paused", 1, first[-1].message)
    assert snapshot(webui) == before
    webui.shared.opts.sd_model_checkpoint = mine
    second = run(pictures, tmp_path / "b", steps=3, resume=True)
    assert losses(first) + losses(second) == losses(undisturbed)
    shutil.rmtree(tmp_path / "others")
