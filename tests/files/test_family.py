from __future__ import annotations

from pathlib import Path

import pytest

from lora_trainer.files.family import family_of, family_of_metadata, family_of_modules
from lora_trainer.files.lora import LoraFile, LoraModule

from .samples import conv, linear


@pytest.mark.parametrize(
    ("name", "module", "family"),
    [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", linear(inputs=768), "sd1"),
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", linear(inputs=1024), "sd2"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", linear(inputs=2048), "sdxl"),
        ("lora_unet_down_blocks_2_attentions_0_transformer_blocks_9_attn1_to_k", linear(), "sdxl"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in", conv(kernel=1), "sd1"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in", linear(), "sd2"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1", linear(), "sdxl"),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", linear(inputs=768), "sd1"),
        ("lora_te_text_model_encoder_layers_20_self_attn_q_proj", linear(inputs=1024), "sd2"),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", linear(), "unknown"),
    ],
)
def test_keys_and_shapes_tell_the_family(name: str, module: LoraModule, family: str) -> None:
    assert family_of_modules([name], {name: module}) == family


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0", "ss_v2": "False"}, "sdxl"),
        ({"ss_base_model_version": "sd_v2", "ss_v2": "True"}, "sd2"),
        ({"ss_base_model_version": "sd_v1", "ss_v2": "False"}, "sd1"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"format": "pt"}, "unknown"),
    ],
)
def test_metadata_tell_the_family(metadata: dict[str, str], family: str) -> None:
    assert family_of_metadata(metadata) == family


@pytest.mark.parametrize(
    "stranger", ["lora_unet_double_blocks_0_img_attn_qkv", "lora_unet_joint_blocks_0_x_block_mlp_fc1"]
)
def test_a_second_encoder_does_not_make_other_networks_sdxl(stranger: str) -> None:
    names = ["lora_te1_text_model_encoder_layers_0_mlp_fc1", stranger]
    assert family_of_modules(names, {name: linear() for name in names}) == "unknown"


def test_keys_come_before_metadata() -> None:
    name = "lora_te2_text_model_encoder_layers_0_mlp_fc1"
    said = {"ss_base_model_version": "sd_v1"}
    assert family_of(LoraFile(Path("a"), {name: linear()}, said)) == "sdxl"
    assert family_of(LoraFile(Path("a"), {"lora_unet_x": linear()}, said)) == "sd1"
