import pytest
import torch
from torch import nn

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.errors import BaseModelError
from lora_trainer.twin.vae import build_vae
from tests.bases import random_base
from tests.twin.originals import OriginalVAE

VAE = "first_stage_model."


@pytest.fixture(scope="module")
def vae():
    """(the original's parameters, the twin)."""
    with open_checkpoint(random_base("sd1")) as checkpoint:
        own = {key: nn.Parameter(tensor) for key, tensor in checkpoint.part(VAE).items()}
    return own, build_vae(own)


def test_the_twin_shares_all_memory_though_its_attention_is_shaped_otherwise(vae):
    own, twin = vae
    assert {p.data_ptr() for p in twin.parameters()} == {p.data_ptr() for p in own.values()}
    assert sum(p.numel() for p in twin.parameters()) == sum(p.numel() for p in own.values())
    assert twin.encoder.mid_block.attentions[0].to_q.weight.ndim == 2
    assert own["encoder.mid.attn_1.q.weight"].ndim == 4


def test_the_twin_encodes_and_decodes_as_the_original(vae):
    own, twin = vae
    generator = torch.Generator().manual_seed(2)
    pictures = torch.rand(1, 3, 64, 32, generator=generator) * 2 - 1
    latents = torch.randn(1, 4, 8, 4, generator=generator)
    with torch.no_grad():
        wanted = OriginalVAE(own).encode(pictures), OriginalVAE(own).decode(latents)
        found = twin.encode(pictures).latent_dist.mean, twin.decode(latents).sample
    torch.testing.assert_close(found, wanted, rtol=0, atol=2e-5)


def test_names_agree_with_diffusers_own_converter(vae):
    utils = pytest.importorskip("diffusers.loaders.single_file_utils")
    convert = getattr(utils, "convert_ldm_vae_checkpoint", None) or pytest.skip("diffusers moved its converter")
    own, twin = vae
    converted = convert({VAE + key: parameter for key, parameter in own.items()}, dict(twin.config))
    assert {key: tensor.data_ptr() for key, tensor in converted.items()} == {
        key: parameter.data_ptr() for key, parameter in twin.named_parameters()
    }


def test_what_training_left_in_the_file_is_passed_over(vae):
    own, _ = vae
    build_vae({**own, "loss.discriminator.weight": torch.zeros(1)})
    with pytest.raises(BaseModelError, match=r"unexpected: encoder\.surprise"):
        build_vae({**own, "encoder.surprise": torch.zeros(1)})
