"""The loaded model is trained in place, and is afterwards as it was, whatever happened."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lora_trainer.control import Control
from lora_trainer.events import Step
from lora_trainer.files.read import read_lora
from lora_trainer.host.webui.host import WebUIHost
from tests.host.webui.states import draw, run, snapshot


@pytest.mark.parametrize(("family", "prediction"), [("sd1", "epsilon"), ("sd2", "v_prediction"), ("sdxl", "epsilon")])
@pytest.mark.parametrize("text_encoder", [False, True])
def test_a_run_leaves_the_host_as_it_was(standin, pictures, tmp_path, family, prediction, text_encoder):
    webui = standin(family, prediction_type=prediction)
    before = snapshot(webui)
    events = run(pictures, tmp_path, steps=1, network__train_text_encoder=text_encoder, samples__every=1)
    assert events[-1].kind == "finished", events[-1]
    assert snapshot(webui) == before
    started = next(event for event in events if event.kind == "started")
    assert (started.family, started.prediction_type) == (family, prediction)
    assert read_lora(tmp_path / "zorb.safetensors").parts["unet"] == (722 if family == "sdxl" else 192)


ROOT = Path(__file__).parents[3]


class Broken(Exception):
    """A mistake in the program."""


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), Broken()])
def test_an_error_in_the_middle_of_a_step_leaves_the_host_as_it_was(webui, pictures, tmp_path, monkeypatch, error):
    before = snapshot(webui)

    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("lora_trainer.objective.Objective.losses", fail)
    try:
        assert run(pictures, tmp_path)[-1].kind == "failed"
    except Broken:
        assert isinstance(error, Broken)
    assert snapshot(webui) == before


def test_a_stop_leaves_the_host_as_it_was(webui, pictures, tmp_path):
    before, control = snapshot(webui), Control()
    events = run(pictures, tmp_path, control=control, at=lambda event: event.kind == "step" and control.stop())
    assert events[-1].stopped and snapshot(webui) == before


def test_a_run_whose_reader_goes_away_leaves_the_host_as_it_was(webui, pictures, tmp_path):
    from lora_trainer import options
    from lora_trainer.train import train
    from tests.runs import values

    before = snapshot(webui)
    stream = train(options.build(values("", pictures, tmp_path)), WebUIHost())
    while next(stream).kind != "step":
        pass
    stream.close()
    assert snapshot(webui) == before


def test_the_twin_shares_the_host_s_tensors(webui):
    with WebUIHost().lend() as loan:
        live = {parameter.data_ptr() for parameter in webui.shared.sd_model.model.diffusion_model.parameters()}
        twin = {parameter.data_ptr() for parameter in loan.unet().parameters()}
        assert twin == live


def test_a_lora_of_an_earlier_picture_is_out_of_the_weights(webui, pictures, tmp_path):
    run(pictures, webui.shared.cmd_opts.lora_dir, steps=2, optimizer__learning_rate=0.1)
    webui.networks.list_available_networks()
    clean = [parameter.clone() for parameter in webui.shared.sd_model.parameters()]
    plain = draw(webui)
    assert draw(webui, "a cat <lora:zorb:1>") != plain
    assert not all(torch.equal(*pair) for pair in zip(clean, webui.shared.sd_model.parameters()))
    with WebUIHost().lend():
        assert all(torch.equal(*pair) for pair in zip(clean, webui.shared.sd_model.parameters()))
    assert draw(webui) == plain


def test_the_host_shows_a_job_while_it_lends(webui):
    host = WebUIHost()
    with host.lend():
        host.watch(Step(3, 1, 0.1, 0.1, {}, 1.0, 0.5, 9.0, 0))
        assert webui.shared.state.job and webui.shared.state.sampling_step == 3
    assert webui.shared.state.job == ""


def test_the_host_decides_base_device_and_precision(webui, pictures, tmp_path):
    from lora_trainer import options
    from tests.runs import values

    config = WebUIHost().settle(options.build(values("C:/elsewhere/base.ckpt", pictures, tmp_path)))
    assert config.base.checkpoint == webui.shared.sd_model.sd_model_checkpoint
    assert (config.memory.device, config.memory.precision) == ("cpu", "fp32")


def test_the_host_is_there_without_torch_and_without_the_webui():
    code = (
        "import sys, lora_trainer.host.webui.host; sys.exit({'torch', 'modules', 'numpy'} & set(sys.modules) != set())"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
