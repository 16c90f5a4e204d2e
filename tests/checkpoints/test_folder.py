import json

import pytest
import torch
from safetensors.torch import save_file

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.errors import BaseModelError
from lora_trainer.families.base import FAMILIES
from lora_trainer.families.detect import detect
from lora_trainer.twin.text import build_text_encoder, canonical_key
from lora_trainer.twin.unet import build_unet
from lora_trainer.twin.vae import build_vae
from tests.bases import random_base

NOT_NEEDED = ("text_projection",)


def save_part(folder, module, name):
    folder.mkdir()
    (folder / "config.json").write_text(
        json.dumps(dict(module.config.to_dict() if hasattr(module.config, "to_dict") else module.config)),
        encoding="utf-8",
    )
    tensors = {key: tensor.contiguous() for key, tensor in module.state_dict().items() if "position_ids" not in key}
    if name == "model":
        tensors = {canonical_key(key): tensor for key, tensor in tensors.items()}
    save_file(tensors, folder / f"{name}.safetensors")


def as_folder(family, folder):
    """The tiny base of this family as diffusers would save it; SD2's text encoder without its last layer."""
    with open_checkpoint(random_base(family)) as checkpoint:
        hints = checkpoint.hints
        unet = build_unet(
            checkpoint.part("model.diffusion_model."), heads=hints.heads, head_channels=hints.head_channels
        )
        save_part(folder / "unet", unet, "diffusion_pytorch_model")
        save_part(
            folder / "vae",
            build_vae(checkpoint.part("first_stage_model."), latent_scale=0.5),
            "diffusion_pytorch_model",
        )
        for text in FAMILIES.get(family).text_parts:
            encoder = build_text_encoder(checkpoint.part(text.prefix), projected=text.projected)
            if text.unused_layer:
                encoder.config.num_hidden_layers -= 1
                del getattr(encoder, "text_model", encoder).encoder.layers[-1]
            save_part(folder / text.part, encoder, "model")
    return folder


@pytest.mark.parametrize("family", ["sd1", "sd2", "sdxl"])
def test_a_folder_shows_the_tensors_of_the_file_that_it_was_made_from(family, tmp_path):
    folder = as_folder(family, tmp_path)
    with open_checkpoint(random_base(family)) as file, open_checkpoint(folder) as checkpoint:
        left_out = set(file.keys()) - set(checkpoint.keys())
        assert all(key.endswith(NOT_NEEDED) for key in left_out)
        assert set(checkpoint.keys()) <= set(file.keys())
        assert {key: checkpoint.shape(key) for key in checkpoint.keys()} == {  # noqa: SIM118
            key: file.shape(key)
            for key in checkpoint.keys()  # noqa: SIM118
        }
        differing = [key for key in checkpoint.keys() if not torch.equal(checkpoint.tensor(key), file.tensor(key))]  # noqa: SIM118
    assert all(".resblocks.23." in key for key in differing)
    assert bool(differing) == (family == "sd2")


def test_what_the_folder_says_is_heard(tmp_path):
    folder = as_folder("sd2", tmp_path)
    (folder / "scheduler").mkdir()
    said = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(said), encoding="utf-8")
    with open_checkpoint(folder) as checkpoint:
        found = detect(checkpoint)
        assert checkpoint.hints.heads == (4, 8, 16, 16)
    assert found.info.prediction_type == "v_prediction"
    assert found.info.zero_terminal_snr
    assert found.info.latent_scale == 0.5
    assert found.prediction_known


def test_old_names_of_the_vaes_attention_are_understood(tmp_path):
    folder = as_folder("sd1", tmp_path)
    from safetensors.torch import load_file

    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(path)
    for new, name in old.items():
        tensors = {
            key.replace(f"attentions.0.{new}.", f"attentions.0.{name}."): value for key, value in tensors.items()
        }
    save_file(tensors, path)
    with open_checkpoint(random_base("sd1")) as file, open_checkpoint(folder) as checkpoint:
        assert checkpoint.part("first_stage_model.").shapes == file.part("first_stage_model.").shapes


def test_a_part_without_weights_is_named(tmp_path):
    folder = as_folder("sd1", tmp_path)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(BaseModelError, match="vae holds no weights"):
        open_checkpoint(folder)
