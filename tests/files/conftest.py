"""Small LoRA modules to write and read."""

from __future__ import annotations

import pytest

from lora_trainer.files.lora import LoraModule

from .samples import QUERY, conv, linear


@pytest.fixture
def modules() -> dict[str, LoraModule]:
    return {
        QUERY: linear(1),
        "lora_unet_down_blocks_0_resnets_0_conv1": conv(2),
        "lora_te_text_model_encoder_layers_0_mlp_fc1": linear(3, rank=2),
    }
