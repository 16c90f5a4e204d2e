"""The checkpoint is swapped, moved or thrown away under a run, or is none that can be trained on.

Needs WEBUI_URL, as test_webui_custody.py says.
"""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.acceptance.webui import (
    MARKS,
    OTHER,
    Before,
    HostRun,
    Job,
    Meanwhile,
    Refusal,
    ask,
    bases,
    picture,
    probe,
    remove_lora,
    select,
)

pytestmark = [*MARKS, pytest.mark.usefixtures("pocket")]

SD2V = "pocket-sd2v.safetensors"
WITH_ANOTHER = {
    "settings of its own": {"override_settings": {"sd_model_checkpoint": SD2V}},
    "a refiner": {"refiner_checkpoint": SD2V, "refiner_switch_at": 0.5},
    "another one for the second pass": {
        "enable_hr": True,
        "hr_checkpoint_name": SD2V,
        "hr_upscaler": "Latent",
        "hr_scale": 1,
        "hr_second_pass_steps": 2,
        "denoising_strength": 0.5,
    },
}


@pytest.mark.parametrize("text_encoder", [False, True])
@pytest.mark.parametrize("way", WITH_ANOTHER)
def test_a_picture_with_another_checkpoint_changes_no_loss(pictures, tmp_path, undisturbed, way, text_encoder):
    options = {"steps": 6, "network__train_text_encoder": text_encoder}
    losses = undisturbed(**options)
    alone = picture(OTHER, **WITH_ANOTHER[way])
    assert alone != picture(OTHER)
    plain = picture()
    run = HostRun(pictures, tmp_path, **options)
    run.until("step", 2)
    assert Meanwhile(lambda: picture(OTHER, **WITH_ANOTHER[way])).result == alone
    run.assert_finished_as(losses)
    assert picture() == plain


@pytest.mark.parametrize("text_encoder", [False, True])
def test_buttons_that_move_the_model_without_asking_change_no_loss(pictures, tmp_path, undisturbed, text_encoder):
    options = {"steps": 12, "network__train_text_encoder": text_encoder}
    losses, before = undisturbed(**options), Before()
    run = HostRun(pictures, tmp_path, **options)
    for step in (2, 4, 6):
        run.until("step", step)
        ask("/sdapi/v1/unload-checkpoint", {})
        run.until("step", step + 1)
        ask("/sdapi/v1/reload-checkpoint", {})
    run.assert_finished_as(losses)
    before.again()


DURING = {
    "the second step": ("step", 2),
    "the first batch of pictures": ("picture", 1),
    "the third batch of pictures": ("picture", 3),
    "the second caption": ("caption", 2),
}


@pytest.mark.parametrize("during", DURING)
def test_a_model_that_is_thrown_away_in_the_middle_of_work_is_brought_back(pictures, tmp_path, undisturbed, during):
    losses, expected = undisturbed(steps=4), picture()
    run = HostRun(pictures, tmp_path, {"disturbed": [*DURING[during], "throw away"]}, steps=4)
    run.assert_finished_as(losses)
    assert picture() == expected


@pytest.mark.parametrize("base", ["pocket-sd2v", "pocket-sdxl"])
def test_a_model_that_is_thrown_away_between_steps_is_brought_back(pictures, tmp_path, undisturbed, base):
    select(base)
    options = {"steps": 4, "network__train_text_encoder": True}
    losses, expected = undisturbed(base, **options), picture()
    run = HostRun(pictures, tmp_path, **options)
    run.until("step", 1)
    probe("disturb", what="throw away")
    run.assert_finished_as(losses)
    assert picture() == expected


def test_when_another_checkpoint_is_selected_the_run_waits_for_its_own(pictures, tmp_path, undisturbed):
    losses = undisturbed(steps=6)
    first = HostRun(pictures, tmp_path, steps=6)
    first.until("step", 2)
    select("pocket-sd2v")
    end = first.finish()
    assert end["kind"] == "paused" and "'pocket'" in end["message"]
    select("pocket")
    second = HostRun(pictures, tmp_path, {"resume": True}, steps=6)
    assert second.finish()["kind"] == "finished"
    assert first.losses + second.losses == losses


def test_a_job_says_which_checkpoint_it_waits_for_and_goes_on_with_it(pictures):
    job = Job(pictures, steps=40)
    job.until("running", step=2)
    select("pocket-sd2v")
    assert job.until("paused")["message"]["code"] == "base_away"
    job.control("resume")
    waits = job.until("paused", "running", "failed")
    assert (waits["state"], waits["message"]["values"]["name"]) == ("paused", "pocket")
    select("pocket")
    job.control("resume")
    assert job.until("finished", "failed")["state"] == "finished"
    remove_lora(Job.NAME)


def test_a_checkpoint_that_is_not_loaded_is_loaded_for_the_run(pictures, tmp_path, undisturbed):
    losses, expected = undisturbed(steps=4), picture()
    probe("disturb", what="forget")
    HostRun(pictures, tmp_path, steps=4).assert_finished_as(losses)
    assert picture() == expected


def test_a_host_without_checkpoints_says_so():
    assert probe("disturb", what="no checkpoints")["said"]["code"] == "no_checkpoint"


@pytest.fixture
def inpainting():
    """The embedded base with the inputs of an inpainting one, for a while among the host's checkpoints."""
    pocket, name = Path(bases()["pocket"]), "acceptance-inpainting"
    folder = Path(probe("places")["data"]) / "models" / "Stable-diffusion"
    folder.mkdir(parents=True, exist_ok=True)
    tensors = load_file(pocket)
    first = "model.diffusion_model.input_blocks.0.0.weight"
    tensors[first] = torch.cat([tensors[first], torch.zeros(len(tensors[first]), 5, 3, 3)], dim=1)
    save_file(tensors, folder / f"{name}.safetensors")
    wording = pocket.with_suffix(".yaml").read_text(encoding="utf-8")
    for old, new in (
        ("ddpm.LatentDiffusion", "ddpm.LatentInpaintDiffusion"),
        ("conditioning_key: crossattn", "conditioning_key: hybrid\n    finetune_keys: null"),
        ("in_channels: 4", "in_channels: 9"),
    ):
        assert old in wording
        wording = wording.replace(old, new)
    (folder / f"{name}.yaml").write_text(wording, encoding="utf-8")
    ask("/sdapi/v1/refresh-checkpoints", {})
    yield name
    select("pocket")
    for file in folder.glob(f"{name}.*"):
        file.unlink()
    shutil.rmtree(folder / f"{name}.clip", ignore_errors=True)
    ask("/sdapi/v1/refresh-checkpoints", {})


def test_an_inpainting_checkpoint_is_refused_in_a_sentence(pictures, inpainting):
    select(inpainting)
    assert ask("/lora-trainer/v1/state")["host"]["problem"]["code"] == "base_is_inpainting"
    with pytest.raises(Refusal) as refusal:
        Job(pictures, steps=2)
    assert refusal.value.sentence["code"] == "base_is_inpainting"
    assert refusal.value.sentence["values"] == {"name": inpainting}
