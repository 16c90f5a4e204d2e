"""Forge holds its model otherwise than the WebUI, and is trained in place all the same."""

import pytest
import torch

from lora_trainer.errors import BaseModelError, FileFormatError
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.write import write_lora
from lora_trainer.host.base import Card, LoraUse
from lora_trainer.host.webui import selection
from lora_trainer.host.webui.host import WebUIHost
from lora_trainer.host.webui.kind import kind
from lora_trainer.host.webui.publishing import publish
from lora_trainer.host.webui.studio import WebUIStudio
from lora_trainer.sampling.request import Request
from tests.host.webui.states import draw, run, snapshot

CARD = Card(trigger_word="zorb", family="sd1")


@pytest.fixture
def webui(forge):
    """Forge after its first picture."""
    draw(forge)
    return forge


def write(webui, path, seed=0, more=None):
    """A LoRA of random weights on some of the model's cross attention."""
    unet = kind().loaded().model
    from backend.patcher.lora import model_lora_keys_unet

    generator = torch.Generator().manual_seed(seed)
    modules = {}
    for name, key in model_lora_keys_unet(unet, {}).items():
        if name.endswith("attn2_to_v"):
            out, inputs = unet.get_parameter(key).shape
            down, up = torch.randn(2, inputs, generator=generator), torch.randn(out, 2, generator=generator)
            modules[name] = LoraModule(down, up, 2.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_lora(path, modules | (more or {}), {"ss_base_model_version": "sd_v1"}, "fp32")
    return path


@pytest.mark.parametrize("text_encoder", [False, True])
def test_a_run_leaves_forge_as_it_was(webui, pictures, tmp_path, text_encoder):
    before = snapshot(webui)
    events = run(pictures, tmp_path, steps=1, network__train_text_encoder=text_encoder, samples__every=1)
    assert events[-1].kind == "finished", events[-1]
    assert snapshot(webui) == before


def test_a_run_before_the_first_picture_has_the_selected_checkpoint_loaded(forge, pictures, tmp_path):
    assert WebUIHost().describe().family == "sd1"
    assert run(pictures, tmp_path, steps=1)[-1].kind == "finished"
    assert kind().loaded().sd_checkpoint_info is forge.sd_models.select_checkpoint()


def test_the_twin_shares_the_memory_of_forge_s_tensors(webui):
    with WebUIHost().lend() as loan:
        live = {parameter.data_ptr() for parameter in kind().loaded().model.parameters()}
        twin = list(loan.unet().parameters())
        assert {parameter.data_ptr() for parameter in twin} == live
        assert not any(parameter.is_inference() for parameter in twin)


def test_text_encoders_that_forge_casts_at_every_use_are_trained_in_the_format_of_the_u_net(webui):
    text = kind().loaded().conditioner.embedders[0].transformer
    with torch.inference_mode():
        text.text_model.encoder.half()
    with WebUIHost().lend() as loan:
        (twin,) = loan.text_encoders()
        assert {parameter.dtype for parameter in twin.parameters()} == {loan.dtype} == {torch.float32}


def test_a_lora_of_an_earlier_picture_is_out_of_the_weights_and_comes_back_with_its_next(webui, tmp_path):
    publish(write(webui, tmp_path / "zorb.safetensors"), CARD)
    plain, patched = draw(webui), draw(webui, "a cat <lora:zorb:1>")
    with WebUIHost().lend() as loan:
        live = dict(kind().loaded().model.diffusion_model.named_parameters())
        file = torch.nn.Module.state_dict(kind().loaded().engine.built.model.diffusion_model)
        assert all(torch.equal(live[key], file[key]) for key in live) and loan.unet() is not None
        assert not kind().loaded().model.lora_loader.backup
    assert draw(webui, "a cat <lora:zorb:1>") == patched != plain == draw(webui)


def test_a_file_trained_again_under_the_same_name_takes_effect_at_once(webui, tmp_path):
    pictures = []
    for seed in (1, 2, 1):
        publish(write(webui, tmp_path / "zorb.safetensors", seed), CARD, replace=True)
        pictures.append(draw(webui, "a cat <lora:zorb:1>"))
    assert pictures[0] == pictures[2] != pictures[1]


def test_a_save_that_is_written_anew_is_tried_as_it_is_now(webui, tmp_path):
    drawn = []
    for seed in (1, 2):
        file = write(webui, tmp_path / "step.safetensors", seed)
        with WebUIStudio([file]) as studio:
            request = Request("a cat", "", width=64, height=64, seed=1, steps=2, guidance=5.0, sampler="euler")
            drawn.append(studio.draw(request, [LoraUse(file, 1.0)]).image.tobytes())
    assert drawn[0] != drawn[1] and webui.networks.available_networks == {}


def test_modules_without_a_place_or_of_another_shape_are_named(webui, tmp_path):
    stranger = LoraModule(torch.randn(2, 7), torch.randn(9, 2), 2.0)
    known = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    file = write(webui, tmp_path / "odd.safetensors", more={"lora_unet_nowhere_attn1_to_q": stranger, known: stranger})
    with pytest.raises(FileFormatError, match=r"leaves out 2 modules.*attn1_to_q.*nowhere"):
        publish(file, CARD)


def test_prompts_encoded_through_the_old_file_are_encoded_again(webui, tmp_path):
    cache = webui.processing.StableDiffusionProcessingTxt2Img.cached_c
    cache[:] = ["a cat", "its conditioning", {}]
    publish(write(webui, tmp_path / "zorb.safetensors"), CARD)
    assert cache == [None, None, None]


def test_a_network_that_forge_moved_away_is_brought_back_for_the_run(webui, monkeypatch):
    model = kind().loaded()
    with WebUIHost().lend() as loan:
        assert loan.unet() is not None
        webui.memory_management.unload_all_models()
        assert model.objects.unet not in webui.memory_management.current_loaded_models
    kind().load(webui.sd_models.select_checkpoint())
    assert model.objects.unet in webui.memory_management.current_loaded_models


def test_a_checkpoint_that_forge_forgot_when_another_failed_is_loaded_anew(webui):
    webui.sd_models.model_data.sd_model = None
    with WebUIHost().lend() as loan:
        assert loan.info.family == "sd1"


REFUSED = {
    "base_is_other": lambda model: setattr(model.engine, "is_sd1", False),
    "base_is_sd3": lambda model: setattr(model.engine, "is_sd3", True),
    "base_is_packed": lambda model: setattr(model.model, "storage_dtype", "nf4"),
    "base_is_ssd": lambda model: setattr(model.engine, "model_config", type("SSD1B", (), {})()),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_be_trained_is_refused_in_a_sentence(webui, code):
    REFUSED[code](kind().loaded())
    with pytest.raises(BaseModelError) as caught:
        selection.describe()
    assert caught.value.sentence.code == code


def test_a_prediction_that_is_neither_epsilon_nor_v_is_refused(webui):
    kind().loaded().model.predictor.prediction_type = "edm"
    with pytest.raises(BaseModelError, match="another kind"):
        selection.describe()


def test_lowvram_is_not_minded_as_forge_does_not_mind_it(webui):
    webui.shared.cmd_opts.lowvram = True
    assert selection.describe().family == "sd1"


def test_a_forge_without_checkpoints_is_told_so(forge):
    forge.sd_models.checkpoints_list.clear()
    forge.sd_models.checkpoint_aliases.clear()
    with pytest.raises(BaseModelError, match="has no checkpoint"):
        WebUIHost().describe()


def test_the_vae_among_the_files_beside_the_checkpoint_is_found(webui, tmp_path):
    from safetensors.torch import save_file

    for name, key in (("text", "text_model.encoder.layers.0.layer_norm1.bias"), ("vae", "decoder.conv_in.weight")):
        save_file({key: torch.zeros(1)}, tmp_path / f"{name}.safetensors")
    webui.shared.opts.forge_additional_modules = [str(tmp_path / f"{name}.safetensors") for name in ("text", "vae")]
    assert kind().vae_file() == str(tmp_path / "vae.safetensors")


def test_blip_is_left_to_forge_s_memory_and_dropped_whole(webui, tmp_path, monkeypatch):
    from PIL import Image

    from lora_trainer.captioning.base import Settings
    from lora_trainer.host.webui.interrogators import Blip

    monkeypatch.setattr(Blip, "missing", lambda self: None)
    blip, host = Blip(Settings(tmp_path)), webui.shared.interrogator
    blip.load()
    assert blip.caption([Image.new("RGB", (8, 8), (200, 10, 10))]) == ["a picture of something red"]
    assert host.blip_patcher in webui.memory_management.current_loaded_models
    blip.close()
    assert host.blip_model is host.blip_patcher is None
