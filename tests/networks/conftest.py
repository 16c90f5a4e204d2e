"""A small base: a U-Net of SD1's layout and a text encoder, with random weights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from lora_trainer.families.base import FAMILIES, Family
from lora_trainer.networks.base import Adapter
from lora_trainer.packages import mend_imports
from lora_trainer.seeds import generator, untouched_random_state

WIDTH = 32


def tiny_unet() -> nn.Module:
    mend_imports()
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(32, 32, 64, 64),
        layers_per_block=2,
        attention_head_dim=4,
        cross_attention_dim=WIDTH,
        norm_num_groups=8,
    )


def tiny_text_encoder() -> nn.Module:
    mend_imports()
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=64,
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=8,
            bos_token_id=1,
            eos_token_id=2,
        )
    )


class Base:
    """The twins of one base, frozen and in eval mode, and what they compute."""

    def __init__(self) -> None:
        with untouched_random_state():
            torch.manual_seed(0)
            self.unet, self.text = tiny_unet(), tiny_text_encoder()
        for twin in (self.unet, self.text):
            twin.requires_grad_(False).eval()

    @property
    def family(self) -> Family:
        return FAMILIES.get("sd1")

    def __call__(self, index: int = 0) -> torch.Tensor:
        """The U-Net's prediction (2, 4, 8, 8) for captions of ids that depend on `index`."""
        draw = generator("cpu", "inputs", index)
        ids = torch.randint(0, 64, (2, 8), generator=draw)
        noisy = torch.randn(2, 4, 8, 8, generator=draw)
        context = self.text(ids).last_hidden_state
        return self.unet(noisy, torch.tensor([10, 700]), encoder_hidden_states=context).sample

    def tensors(self) -> dict[str, torch.Tensor]:
        """Copies of all parameters and buffers, under the names that they have without adapters."""
        return {
            f"{part}.{name}": tensor.detach().clone()
            for part, twin in (("unet", self.unet), ("text", self.text))
            for name, tensor in twin.state_dict().items()
        }


@pytest.fixture(scope="session")
def shared_base() -> Base:
    return Base()


@pytest.fixture
def base(shared_base: Base) -> Iterator[Base]:
    """The one base of all tests, without adapters and gradients again after each."""
    yield shared_base
    for twin in (shared_base.unet, shared_base.text):
        for path, module in list(twin.named_modules()):
            if isinstance(module, Adapter):
                parent, _, leaf = path.rpartition(".")
                setattr(twin.get_submodule(parent), leaf, module.base_layer)
        twin.requires_grad_(False)
