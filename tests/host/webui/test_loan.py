"""What the loan makes of pictures and captions."""

import pytest
import torch

from lora_trainer.errors import UserError
from lora_trainer.host.webui.host import WebUIHost
from tests.host.webui.states import run


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_captions_are_encoded_literally_and_cut_off(standin, family):
    webui = standin(family)
    with WebUIHost().lend() as loan:
        plain = loan.encode_captions(["cat (animal), [x]"], clip_skip=1, max_tokens=75)
        prompt = loan.encode_prompts(["cat (animal), [x]"], clip_skip=1)
        escaped = loan.encode_prompts([r"cat \(animal\), \[x\]"], clip_skip=1)
        long = loan.encode_captions(["cat " * 200], clip_skip=1, max_tokens=150)
    assert torch.equal(plain.context, escaped.context) and not torch.equal(plain.context, prompt.context)
    assert plain.context.shape[1] == 77 and long.context.shape[1] == 154
    if family == "sdxl":
        assert plain.pooled.shape[1] == webui.shared.sd_model.text_modules()[1].text_projection.shape[1]


def test_texts_that_come_again_are_not_encoded_again(webui, pictures, tmp_path, monkeypatch):
    from lora_trainer.host.webui import conditioning

    encode, asked = conditioning.encode, []
    monkeypatch.setattr(conditioning, "encode", lambda *call: asked.append(call[1]) or encode(*call))
    run(pictures, tmp_path, steps=1)  # samples are drawn of two captions, and there are no others
    assert sorted(asked) == [("",), ("a zorb, number 0",), ("a zorb, number 1",)]


def test_clip_skip_is_the_run_s_and_the_host_s_setting_stays(webui):
    with WebUIHost().lend() as loan:
        one = loan.encode_captions(["a cat"], clip_skip=1, max_tokens=75).context
        two = loan.encode_captions(["a cat"], clip_skip=2, max_tokens=75).context
    assert not torch.equal(one, two)
    assert webui.shared.opts.CLIP_stop_at_last_layers == 1


def test_frozen_captions_are_what_the_twins_make_of_them(webui):
    from lora_trainer.families.base import FAMILIES
    from lora_trainer.text.encode import encode
    from lora_trainer.text.tokens import tokenize_captions

    with WebUIHost().lend() as loan:
        host = loan.encode_captions(["a cat"], clip_skip=1, max_tokens=75).context
        twin = encode(FAMILIES.get("sd1"), loan.text_encoders(), tokenize_captions("sd1", ["a cat"])).context
    assert torch.allclose(host, twin, atol=1e-5)


def test_pictures_are_encoded_by_the_host_s_own_vae(webui):
    live = webui.shared.sd_model.first_stage_model
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    with WebUIHost().lend() as loan:
        before = loan.encode_pixels(pixels)
        live.get_parameter("quant_conv.bias").data[0] += 1.0
        after = loan.encode_pixels(pixels)
    assert torch.allclose(after[:, 0] - before[:, 0], torch.tensor(loan.info.latent_scale))


def test_a_vae_that_gives_no_numbers_is_used_as_a_copy_in_fp32(webui):
    live = webui.shared.sd_model.first_stage_model
    live.to(torch.bfloat16)
    weight = live.get_parameter("quant_conv.weight")
    weight.data.mul_(1e-3)
    live.get_parameter("encoder.conv_out.bias").data.fill_(1e38)
    live.get_parameter("encoder.conv_out.weight").data.fill_(1e38)
    with WebUIHost().lend() as loan:
        loan.encode_pixels(torch.ones(1, 3, 64, 64))
    assert {parameter.dtype for parameter in live.parameters()} == {torch.bfloat16}


def test_a_half_vae_on_the_cpu_is_used_as_a_copy(webui):
    pixels = torch.rand(1, 3, 64, 64) * 2 - 1
    with WebUIHost().lend() as loan:
        whole = loan.encode_pixels(pixels)
    webui.shared.sd_model.first_stage_model.half()
    with WebUIHost().lend() as loan:
        half = loan.encode_pixels(pixels)
    assert torch.allclose(whole, half, atol=0.02)
    assert next(webui.shared.sd_model.first_stage_model.parameters()).dtype == torch.float16


def test_a_base_stored_in_fp8_is_trained_as_a_copy(webui, pictures, tmp_path):
    from lora_trainer.twin.unet import live_heads

    unet = webui.shared.sd_model.model.diffusion_model
    heads = live_heads(unet)
    for parameter in unet.parameters():
        if parameter.ndim > 1:
            parameter.data = parameter.data.to(torch.float8_e4m3fn)
    assert heads == live_heads(unet)
    webui.processing.process_images = None
    assert run(pictures, tmp_path, steps=1)[-1].kind == "finished"
    assert unet.get_parameter("input_blocks.0.0.weight").dtype == torch.float8_e4m3fn


class Watched:
    """Which part of the model the host has on its device, in the order of its changes."""

    def __init__(self, webui, monkeypatch):
        self.model, self.parts, self._to = webui.shared.sd_model, [], torch.nn.Module.to
        monkeypatch.setattr(torch.nn.Module, "to", lambda module, *place: self._moved(module, place))
        self._device = webui.devices.device

    def _moved(self, module, place):
        names = {id(self.model.model): "unet", id(self.model.first_stage_model): "vae"}
        names[id(self.model.text_module())] = "text"
        if place and place[0] is self._device and id(module) in names:
            self.parts.append(names[id(module)])
        return self._to(module, *place)


def test_with_medvram_one_part_is_on_the_device_at_a_time_in_the_order_of_the_work(
    standin, pictures, tmp_path, monkeypatch
):
    webui = standin(medvram=True)
    watched = Watched(webui, monkeypatch)
    assert run(pictures, tmp_path, steps=2, samples__every=2)[-1].kind == "finished"
    order = [part for n, part in enumerate(watched.parts) if n == 0 or part != watched.parts[n - 1]]
    assert order == ["vae", "text", "unet", "vae", "unet", "vae"], "pictures, captions, steps, and two samples"
    assert webui.lowvram.module_in_gpu is not None


def test_with_medvram_text_encoders_are_not_trained(standin, pictures, tmp_path):
    standin(medvram=True)
    events = run(pictures, tmp_path, network__train_text_encoder=True)
    assert events[-1].kind == "failed" and "--medvram" in events[-1].message
    with WebUIHost().lend() as loan, pytest.raises(UserError):
        loan.text_encoders()


def test_adapters_and_optimizer_step_aside_and_come_back_as_they_were(webui, pictures, tmp_path, monkeypatch):
    from lora_trainer.training.model import TrainingModel

    seen = []
    own = TrainingModel._own_tensors
    monkeypatch.setattr(TrainingModel, "_own_tensors", lambda self: seen.append(list(own(self))) or iter(seen[-1]))

    def check(event):
        if event.kind == "step":
            (guest,) = host._lent.loan._guests
            values = [tensor.clone() for tensor in own(guest)]
            with guest.aside():
                assert {tensor.device.type for tensor in seen[-1]} == {"cpu"}
            assert all(torch.equal(*pair) for pair in zip(values, own(guest)))

    host = WebUIHost()
    run(pictures, tmp_path, host=host, steps=2, at=check)
    assert len(seen[-1]) > 2 * 192
