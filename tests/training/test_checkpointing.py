"""Recomputing activations in place of keeping them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lora_trainer.training.checkpointing import UNITS, checkpoint_blocks
from lora_trainer.twin.unet import meta_unet
from lora_trainer.twin.unet_keys import SD1, SDXL, UNetLayout

TINY = UNetLayout((32, 64), (1, 1), 1, context=24)


@pytest.fixture
def unet() -> nn.Module:
    network = meta_unet(TINY, heads=4).to_empty(device="cpu").requires_grad_(False).eval()
    draw = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.normal_(std=0.1, generator=draw)
    return network


def gradient(unet: nn.Module) -> tuple[torch.Tensor, int]:
    """The gradient for the latents, and how many numbers were kept for it."""
    kept = 0

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.numel() if tensor.grad_fn or not tensor.is_leaf else 0
        return tensor

    draw = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, 16, 16, generator=draw, requires_grad=True)
    context = torch.randn(1, 7, 24, generator=draw)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = unet(latents, torch.tensor([500]), encoder_hidden_states=context, return_dict=False)[0]
    return torch.autograd.grad(out.square().sum(), latents)[0], kept


def units(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if type(module).__name__ in UNITS]


def test_all_blocks_keep_a_fraction_and_give_the_same_gradient_to_the_bit(unet: nn.Module) -> None:
    plain, kept = gradient(unet)

    assert checkpoint_blocks(unet, "all") == len(units(unet)) > 15
    recomputed, kept_now = gradient(unet)

    assert torch.equal(recomputed, plain)
    assert kept_now < kept / 3


def recomputed(network: nn.Module) -> list[nn.Module]:
    return [unit for unit in units(network) if "forward" in vars(unit)]


def test_the_largest_are_those_of_the_highest_resolution() -> None:
    unet = meta_unet(SD1, heads=8)
    assert checkpoint_blocks(unet, "largest") == len(recomputed(unet)) > 0
    assert recomputed(unet) == [*units(unet.down_blocks[0]), *units(unet.up_blocks[-1])]


def test_the_largest_of_sdxl_are_those_with_many_transformers() -> None:
    unet = meta_unet(SDXL)
    checkpoint_blocks(unet, "largest")
    assert recomputed(unet) == [*units(unet.down_blocks[2]), *units(unet.up_blocks[0])]


def test_a_later_mode_replaces_an_earlier_one(unet: nn.Module) -> None:
    plain, kept = gradient(unet)
    checkpoint_blocks(unet, "all")
    checkpoint_blocks(unet, "all")

    assert checkpoint_blocks(unet, "off") == 0
    again, kept_again = gradient(unet)

    assert torch.equal(again, plain) and kept_again == kept
    assert all("forward" not in vars(unit) for unit in units(unet))


def test_without_gradients_nothing_is_wrapped_in_a_checkpoint(unet: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint_blocks(unet, "all")
    monkeypatch.setattr("torch.utils.checkpoint.checkpoint", lambda *_, **__: pytest.fail("A checkpoint without need."))
    with torch.no_grad():
        unet(torch.zeros(1, 4, 16, 16), torch.tensor([1]), encoder_hidden_states=torch.zeros(1, 7, 24))
