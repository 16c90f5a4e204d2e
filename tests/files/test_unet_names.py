from __future__ import annotations

import pytest

from lora_trainer.files.unet_names import LAYOUTS, canonical, renumbered
from lora_trainer.twin.unet_keys import unet_modules

PAIRS = {
    "lora_unet_input_blocks_4_1_norm": "lora_unet_down_blocks_1_attentions_0_norm",
    "lora_unet_output_blocks_2_2_conv": "lora_unet_up_blocks_0_upsamplers_0_conv",
    "lora_unet_middle_block_1_proj_in": "lora_unet_mid_block_attentions_0_proj_in",
    "lora_unet_input_blocks_7_0_in_layers_2": "lora_unet_down_blocks_2_resnets_0_conv1",
}


@pytest.mark.parametrize(("original", "diffusers"), PAIRS.items())
def test_sdxl_has_the_original_names_and_sd1_those_of_diffusers(original: str, diffusers: str) -> None:
    assert canonical(diffusers, "sdxl") == canonical(original, "sdxl") == original
    assert renumbered("sdxl", False)[original] == diffusers
    assert canonical(diffusers, "sd1") == diffusers


def test_names_of_other_modules_and_families_stay() -> None:
    assert canonical("lora_te2_text_model_x", "sdxl") == "lora_te2_text_model_x"
    assert canonical("lora_unet_double_blocks_0", "unknown") == "lora_unet_double_blocks_0"


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_no_two_modules_share_a_name(family: str) -> None:
    count = len(unet_modules(LAYOUTS[family]))
    for original in (True, False):
        assert len(set(renumbered(family, original).values())) == count
