import pytest
import torch

from lora_trainer.families.base import FAMILIES, PictureSize
from lora_trainer.host.base import BaseInfo, Conditioning


def test_sdxl_is_told_sizes_as_height_and_width_before_scaling_of_the_corner_and_as_trained():
    conditioning = Conditioning(torch.zeros(2, 77, 8), torch.ones(2, 4))
    sizes = [PictureSize((600, 800), (10, 20), (512, 640)), PictureSize((1, 2), (3, 4), (5, 6))]
    inputs = FAMILIES.get("sdxl").unet_inputs(conditioning, sizes)
    assert inputs["added_cond_kwargs"]["time_ids"].tolist() == [[600, 800, 10, 20, 512, 640], [1, 2, 3, 4, 5, 6]]
    assert inputs["added_cond_kwargs"]["text_embeds"] is conditioning.pooled
    assert inputs["encoder_hidden_states"] is conditioning.context


def test_sdxl_lays_the_states_of_its_encoders_side_by_side():
    joined = FAMILIES.get("sdxl").conditioning([torch.zeros(1, 77, 3), torch.ones(1, 77, 5)], torch.ones(1, 5))
    assert joined.context.shape == (1, 77, 8)
    assert joined.context[0, 0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert joined.pooled.shape == (1, 5)


@pytest.mark.parametrize("family", ["sd1", "sd2"])
def test_sd_needs_the_context_alone(family):
    conditioning = FAMILIES.get(family).conditioning([torch.zeros(1, 77, 3)], None)
    assert FAMILIES.get(family).unet_inputs(conditioning, []) == {"encoder_hidden_states": conditioning.context}


@pytest.mark.parametrize(
    ("family", "prediction", "version", "v2", "architecture", "word"),
    [
        ("sd1", "epsilon", "sd_v1", "False", "stable-diffusion-v1/lora", "epsilon"),
        ("sd2", "epsilon", "sd_v2", "True", "stable-diffusion-v2-512/lora", "epsilon"),
        ("sd2", "v_prediction", "sd_v2", "True", "stable-diffusion-v2-768-v/lora", "v"),
        ("sdxl", "v_prediction", "sdxl_base_v1-0", "False", "stable-diffusion-xl-v1-base/lora", "v"),
    ],
)
def test_metadata_names_the_family_as_hosts_read_it(family, prediction, version, v2, architecture, word):
    assert FAMILIES.get(family).metadata(BaseInfo("x", family, prediction)) == {
        "ss_base_model_version": version,
        "ss_v2": v2,
        "modelspec.architecture": architecture,
        "modelspec.prediction_type": word,
    }


def test_text_prefixes_are_kohyas():
    assert [[part.lora_prefix for part in FAMILIES.get(name).text_parts] for name in ("sd1", "sd2", "sdxl")] == [
        ["lora_te"],
        ["lora_te"],
        ["lora_te1", "lora_te2"],
    ]
