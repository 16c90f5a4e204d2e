import pytest
import torch
from safetensors.torch import save_file

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.errors import BaseModelError, UserError
from lora_trainer.families.detect import detect
from lora_trainer.families.sd2 import probe_prediction
from tests.bases import random_base

WHOLE = {
    "sd1": {"cond_stage_model.transformer.text_model.final_layer_norm.bias": (4,)},
    "sd2": {"cond_stage_model.model.positional_embedding": (77, 4)},
    "sdxl": {
        "conditioner.embedders.0.transformer.text_model.final_layer_norm.bias": (4,),
        "conditioner.embedders.1.model.positional_embedding": (77, 4),
    },
}
CONV_IN = "model.diffusion_model.input_blocks.0.0.weight"


def write(folder, shapes, metadata=None, yaml=""):
    path = folder / "base.safetensors"
    save_file({key: torch.zeros(shape) for key, shape in shapes.items()}, path, metadata=metadata)
    if yaml:
        path.with_suffix(".yaml").write_text(yaml, encoding="utf-8")
    return path


def shapes_of(family, channels=4, **more):
    return {CONV_IN: (2, channels, 3, 3), "first_stage_model.encoder.conv_in.bias": (2,), **WHOLE[family], **more}


def detected(path, **options):
    with open_checkpoint(path) as checkpoint:
        return detect(checkpoint, **options)


@pytest.mark.parametrize(
    ("family", "scale", "resolution"), [("sd1", 0.18215, 512), ("sd2", 0.18215, 512), ("sdxl", 0.13025, 1024)]
)
def test_a_tiny_base_is_what_it_was_made_as(family, scale, resolution):
    info = detected(random_base(family)).info
    assert (info.family, info.prediction_type, info.latent_scale) == (family, "epsilon", scale)
    assert info.native_resolution == resolution
    assert info.name == f"{family}-epsilon"


@pytest.mark.parametrize(
    ("family", "unet", "convolutions", "layers"),
    [
        ("sd1", ["down.0", "down.1", "down.2", "up.1", "up.2", "up.3", "mid"], ("down.3", "up.0"), 12),
        ("sd2", ["down.0", "down.1", "down.2", "up.1", "up.2", "up.3", "mid"], ("down.3", "up.0"), 23),
        ("sdxl", ["down.1", "down.2", "up.0", "up.1", "mid"], ("down.0", "up.2"), 32),
    ],
)
def test_the_shapes_tell_the_blocks_that_a_lora_can_go_into(family, unet, convolutions, layers):
    info = detected(random_base(family)).info
    assert info.blocks == (*unet, *(f"text.{layer}" for layer in range(layers)))
    assert info.conv_blocks == convolutions


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_the_yaml_says_that_a_base_predicts_v(family, tmp_path):
    denoiser = "denoiser_config: {params: {scaling_config: {target: sgm.modules.VScaling}}}"
    said = denoiser if family == "sdxl" else 'parameterization: "v"'
    path = write(tmp_path, shapes_of(family), yaml=f"model: {{params: {{{said}, scale_factor: 0.25}}}}")
    found = detected(path)
    assert (found.info.prediction_type, found.info.latent_scale) == ("v_prediction", 0.25)
    assert found.prediction_known


def test_marks_in_the_file_say_v_and_zero_terminal_snr(tmp_path):
    info = detected(write(tmp_path, shapes_of("sdxl", v_pred=(0,), ztsnr=(0,)))).info
    assert info.prediction_type == "v_prediction"
    assert info.zero_terminal_snr


def test_model_spec_metadata_says_v(tmp_path):
    path = write(tmp_path, shapes_of("sd2"), metadata={"modelspec.prediction_type": "v"})
    found = detected(path)
    assert (found.info.prediction_type, found.prediction_known) == ("v_prediction", True)
    assert found.info.native_resolution == 768


def test_model_spec_metadata_says_the_resolution(tmp_path):
    path = write(tmp_path, shapes_of("sd1"), metadata={"modelspec.resolution": "64x64"})
    with open_checkpoint(path) as checkpoint:
        assert detect(checkpoint).info.native_resolution == 64


def test_sd2_without_a_word_is_left_to_the_probe(tmp_path):
    assert not detected(write(tmp_path, shapes_of("sd2"))).prediction_known
    assert detected(write(tmp_path, shapes_of("sd2")), prediction_type="epsilon").prediction_known
    assert detected(write(tmp_path, shapes_of("sd1"))).prediction_known


def test_options_are_taken_at_their_word(tmp_path):
    path = write(tmp_path, shapes_of("sdxl", v_pred=(0,), ztsnr=(0,)))
    info = detected(path, prediction_type="epsilon", zero_terminal_snr="no").info
    assert (info.prediction_type, info.zero_terminal_snr) == ("epsilon", False)
    with pytest.raises(UserError, match="Did you mean 'sdxl'"):
        detected(path, family="sdxll")


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        (shapes_of("sd1", channels=9), "an inpainting base"),
        (shapes_of("sdxl", channels=9), "an inpainting base"),
        (shapes_of("sd1", channels=8), "an instruct-pix2pix base"),
        (shapes_of("sd2", channels=5), "a depth-to-picture base"),
        ({CONV_IN: (2, 4, 3, 3), "conditioner.embedders.0.model.ln_final.bias": (2,)}, "SDXL's refiner"),
        (shapes_of("sdxl", edm_mean=(1,)), "EDM noise"),
        ({"model.diffusion_model.joint_blocks.0.x.bias": (1,)}, "Stable Diffusion 3"),
        ({"model.diffusion_model.double_blocks.0.x.bias": (1,)}, "Flux"),
        ({"double_blocks.0.img_attn.qkv.bias": (1,)}, "Flux"),
        ({"lora_unet_mid_block_attentions_0_proj_in.alpha": ()}, "a LoRA and no base.*train_on"),
        ({"encoder.down.0.block.0.conv1.bias": (1,)}, "a VAE alone"),
        ({"input_blocks.0.0.bias": (1,)}, "a U-Net alone"),
        ({"something": (1,)}, "without a U-Net"),
        ({CONV_IN: (2, 4, 3, 3)}, "holds no text encoder"),
        ({CONV_IN: (2, 4, 3, 3), **WHOLE["sd1"]}, "it lacks the VAE"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_with_its_own_sentence(tmp_path, shapes, sentence):
    with pytest.raises(BaseModelError, match=rf"base\.safetensors (is|.*lacks).*{sentence}|{sentence}"):
        detected(write(tmp_path, shapes))


class Answers(torch.nn.Module):
    """A U-Net that answers the probe with its input and something more."""

    def __init__(self, more):
        super().__init__()
        from types import SimpleNamespace

        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(in_channels=4, cross_attention_dim=1024)
        self.answer = lambda latents: SimpleNamespace(sample=latents + more)

    def forward(self, latents, timesteps, encoder_hidden_states):
        assert timesteps.tolist() == [999]
        assert encoder_hidden_states.shape == (1, 2, 1024)
        return self.answer(latents)


@pytest.mark.parametrize(("more", "prediction"), [(-1.3, "v_prediction"), (0.0, "epsilon"), (-0.2, "epsilon")])
def test_the_probe_takes_a_low_mean_for_v(more, prediction):
    assert probe_prediction(Answers(more)) == prediction
