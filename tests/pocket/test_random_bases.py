import json
import math

import pytest
import torch
import yaml

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.pocket.random_bases import base_layout, original_shapes, random_checkpoint
from lora_trainer.twin.unet_keys import SD1, SD2, SDXL
from tests.bases import random_base


@pytest.mark.parametrize(
    ("family", "layout", "parameters"), [("sd1", SD1, 859.5), ("sd2", SD2, 865.9), ("sdxl", SDXL, 2567.5)]
)
def test_at_full_width_the_unet_is_the_real_one(family, layout, parameters):
    real = base_layout(family, 320, "real")
    assert real.unet == layout
    shapes = original_shapes(real)
    unet = sum(math.prod(shape) for key, shape in shapes.items() if key.startswith("model.diffusion_model."))
    assert round(unet / 1e6, 1) == parameters
    assert (
        round(sum(math.prod(s) for key, s in shapes.items() if key.startswith("first_stage_model.")) / 1e6, 1) == 83.7
    )


def test_norms_are_perturbed_and_the_same_seed_gives_the_same_base(tmp_path):
    again = random_checkpoint("sd1", tmp_path / "again.safetensors")
    assert again.read_bytes() == random_base("sd1").read_bytes()
    with open_checkpoint(again) as checkpoint:
        norm = checkpoint.tensor("cond_stage_model.transformer.text_model.final_layer_norm.weight")
    assert 0.05 < norm.std() < 0.2
    assert abs(norm.mean() - 1) < 0.1


def test_a_loadable_base_uses_an_encoder_that_open_clip_knows_by_name(tmp_path):
    path = random_checkpoint("sdxl", tmp_path / "base.safetensors", text="loadable", dtype=torch.float16)
    params = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["model"]["params"]
    first, second = params["conditioner_config"]["params"]["emb_models"][:2]
    assert second["params"]["arch"] == "ViT-S-32-alt"
    assert params["network_config"]["params"]["context_dim"] == 64 + 256
    config = json.loads((tmp_path / "base.clip" / "config.json").read_text(encoding="utf-8"))
    assert first["params"]["version"] == str((tmp_path / "base.clip").resolve())
    assert (config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"]) == (64, 4, 12)


@pytest.mark.parametrize(("prediction_type", "kind"), [("epsilon", "Eps"), ("v_prediction", "V")])
def test_the_yaml_of_an_sdxl_base_names_all_that_the_webui_asks_for(prediction_type, kind, tmp_path):
    path = random_checkpoint("sdxl", tmp_path / "base.safetensors", prediction_type=prediction_type)
    params = yaml.safe_load(path.with_suffix(".yaml").read_text(encoding="utf-8"))["model"]["params"]
    unet = params["network_config"]["params"]
    assert (unet["use_spatial_transformer"], unet["legacy"]) == (True, False)
    assert "image_size" not in unet
    denoiser = params["denoiser_config"]["params"]
    assert denoiser["scaling_config"]["target"].endswith(f".{kind}Scaling")
    assert denoiser["weighting_config"]["target"].endswith(f".{kind}Weighting")
