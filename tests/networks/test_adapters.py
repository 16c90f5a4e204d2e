"""Adapters on whole twins."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lora_trainer.config import NetworkOptions, OptimizerOptions, TrainConfig
from lora_trainer.errors import ConfigError, FileFormatError, TrainingError
from lora_trainer.files.lora import LoraModule, module_tensors
from lora_trainer.networks.adapters import Adapters, attach_modules
from lora_trainer.networks.base import NETWORKS, Adapter
from lora_trainer.networks.injection import Injection
from lora_trainer.seeds import generator

from .conftest import Base


def attach(base: Base, seed: int = 1, **options: object) -> Adapters:
    network = NetworkOptions(**{"rank": 4, "alpha": 2.0, "train_text_encoder": True, **options})
    encoders = [base.text] if network.train_text_encoder else []
    return NETWORKS.get("lora").attach(base.family, base.unet, encoders, TrainConfig(network=network, seed=seed))


def train(base: Base, adapters: Adapters, first: int, last: int) -> None:
    groups = adapters.parameter_groups(TrainConfig(optimizer=OptimizerOptions(learning_rate=1.0)))
    optimizer = torch.optim.SGD(groups, lr=1.0)
    for step in range(first, last):
        adapters.clock.set(step)
        base(step).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        adapters.limit_norms()


def shake(adapters: Adapters) -> None:
    """Give every `up` numbers, so that every module does something."""
    state = adapters.state()
    for key, tensor in state.items():
        tensor.copy_(0.1 * torch.randn(tensor.shape, generator=generator("cpu", key)))
    adapters.restore(state)


def kinds(twin: nn.Module) -> dict[str, type]:
    return {name: type(module) for name, module in twin.named_modules()}


def test_kohyas_modules_are_there_under_kohyas_names(base: Base) -> None:
    modules = attach(base).modules()
    assert sum(name.startswith("lora_unet_") for name in modules) == 192
    assert "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q" in modules
    assert sum(name.startswith("lora_te_text_model_encoder_layers_") for name in modules) == 2 * 6


def test_conv_adds_residual_blocks_and_attention_only_takes_away(base: Base) -> None:
    adapters = attach(base, conv_rank=2, train_text_encoder=False)
    name = "lora_unet_down_blocks_0_resnets_0_conv1"
    assert adapters.modules()[name].down.shape == (2, 32, 3, 3)
    adapters.detach()
    assert len(attach(base, attention_only=True, train_text_encoder=False)) == 16 * 8


def test_fresh_adapters_change_nothing_and_trained_ones_do(base: Base) -> None:
    before = base()
    adapters = attach(base, conv_rank=2)
    assert torch.allclose(base(), before, atol=1e-6)
    train(base, adapters, 0, 2)
    assert not torch.allclose(base(), before, atol=1e-4)


def test_at_strength_0_the_picture_is_the_bases_to_the_bit(base: Base) -> None:
    before = base()
    adapters = attach(base, conv_rank=2)
    shake(adapters)
    adapters.set_strength(0.0)
    assert torch.equal(base(), before)
    adapters.set_strength(1.0)
    assert not torch.equal(base(), before)


def test_training_leaves_every_tensor_of_the_base_bit_identical_and_without_gradient(base: Base) -> None:
    before = base.tensors()
    adapters = attach(base, conv_rank=2, dropout=0.1, rank_dropout=0.1, scale_weight_norms=0.5)
    train(base, adapters, 0, 3)
    adapters.detach()
    after = base.tensors()
    assert set(after) == set(before)
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert all(p.grad is None for twin in (base.unet, base.text) for p in twin.parameters())


def test_detaching_restores_layers_outputs_storage_and_flags(base: Base) -> None:
    base.unet.conv_in.weight.requires_grad_(True)
    twins = (base.unet, base.text)
    before = [(kinds(twin), {n: (p.data_ptr(), p.requires_grad) for n, p in twin.named_parameters()}) for twin in twins]
    attributes = [set(vars(twin)) for twin in twins]
    picture = base()
    adapters = attach(base, conv_rank=2)
    shake(adapters)
    assert not base.unet.conv_in.weight.requires_grad
    adapters.detach()
    after = [(kinds(twin), {n: (p.data_ptr(), p.requires_grad) for n, p in twin.named_parameters()}) for twin in twins]
    assert after == before and [set(vars(twin)) for twin in twins] == attributes
    assert torch.equal(base(), picture)


def test_only_adapters_are_trained_and_all_of_them_are(base: Base) -> None:
    adapters = attach(base, conv_rank=2)
    shake(adapters)
    base().square().mean().backward()
    trained = {id(p) for group in adapters.parameter_groups(TrainConfig()) for p in group["params"]}
    wanting = {id(p) for twin in (base.unet, base.text) for p in twin.parameters() if p.requires_grad}
    moved = {id(p) for twin in (base.unet, base.text) for p in twin.parameters() if p.grad is not None}
    # The last layer of the text encoder feeds the pictures as well (no layer is skipped here).
    assert trained == wanting == moved


def test_the_bases_dropout_and_norms_stay_in_eval_mode(base: Base) -> None:
    attach(base)
    inner = [m for twin in (base.unet, base.text) for m in twin.modules() if not isinstance(m, Adapter)]
    assert not any(module.training for module in inner)


def test_attaching_and_training_leave_the_global_random_state_alone(base: Base) -> None:
    state = torch.get_rng_state()
    train(base, attach(base, dropout=0.1, rank_dropout=0.1, module_dropout=0.1), 0, 1)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_same_seed_gives_the_same_start_and_another_another(base: Base) -> None:
    starts = []
    for seed in (1, 1, 2):
        adapters = attach(base, seed)
        starts.append(adapters.state())
        adapters.detach()
    key = "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight"
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
    assert not torch.equal(starts[0][key], starts[2][key])


def test_a_restored_training_goes_on_to_the_bit(base: Base) -> None:
    options = {"dropout": 0.2, "rank_dropout": 0.2, "module_dropout": 0.2}
    straight = attach(base, **options)
    train(base, straight, 0, 2)
    kept = straight.state()
    train(base, straight, 2, 4)
    straight.detach()
    resumed = attach(base, seed=1, **options)
    resumed.restore(kept)
    train(base, resumed, 2, 4)
    assert all(torch.equal(tensor, resumed.state()[name]) for name, tensor in straight.state().items())


def test_a_state_of_another_network_is_refused_with_a_sentence(base: Base) -> None:
    adapters = attach(base)
    state = adapters.state()
    adapters.detach()
    with pytest.raises(TrainingError, match="options were changed since"):
        attach(base, rank=5).restore(state)


def test_groups_are_by_part_and_block_and_hold_every_parameter_once(base: Base) -> None:
    adapters = attach(base, block_rates={"down": 0.5, "mid": 0.0})
    config = TrainConfig(optimizer=OptimizerOptions(learning_rate=1e-3, text_encoder_rate=1e-4))
    groups = adapters.parameter_groups(config)
    assert {group["name"]: group["lr"] for group in groups} == {
        "unet down": 5e-4,
        "unet mid": 0.0,
        "unet": 1e-3,
        "text_encoder": 1e-4,
    }
    held = [id(p) for group in groups for p in group["params"]]
    assert len(held) == len(set(held)) == 2 * len(adapters)


def test_what_begins_at_zero_has_its_own_rate_with_loraplus(base: Base) -> None:
    adapters = attach(base, block_rates={"mid": 0.5})
    optimizer = OptimizerOptions(learning_rate=1e-4, text_encoder_rate=1e-5, loraplus_ratio=16.0)
    groups = {group["name"]: group for group in adapters.parameter_groups(TrainConfig(optimizer=optimizer))}
    assert {name: group["lr"] for name, group in groups.items()} == pytest.approx(
        {
            "unet": 1e-4,
            "unet B": 16e-4,
            "unet mid": 5e-5,
            "unet mid B": 8e-4,
            "text_encoder": 1e-5,
            "text_encoder B": 16e-5,
        }
    )
    faster = {id(p) for name, group in groups.items() if name.endswith(" B") for p in group["params"]}
    zeros = {id(p) for group in groups.values() for p in group["params"] if not p.any()}
    assert faster == zeros


def test_wrong_arguments_of_the_type_are_named(base: Base) -> None:
    with pytest.raises(ConfigError, match="'decompose'"):
        attach(base, arguments={"decompose": True})


def test_a_second_attachment_is_refused_and_leaves_the_first(base: Base) -> None:
    adapters = attach(base, train_text_encoder=False)
    with pytest.raises(RuntimeError, match="detach"):
        attach(base)
    assert sum(isinstance(m, Adapter) for m in base.unet.modules()) == len(adapters)
    assert not any(isinstance(m, Adapter) for m in base.text.modules())


def test_an_injection_that_fails_half_way_leaves_nothing_behind(base: Base) -> None:
    before = kinds(base.unet)

    def fails(layer: nn.Module) -> Adapter:
        raise ValueError("no memory")

    path = "up_blocks.3.attentions.2.proj_out"
    good = {"mid_block.attentions.0.proj_in": lambda layer: nn.Sequential(layer), path: fails}
    with pytest.raises(ValueError, match="no memory"):
        Injection(base.unet, good)
    assert kinds(base.unet) == before and "peft_config" not in vars(base.unet)


# Training on, and trying a file out


def written(path: Path, modules: dict[str, LoraModule]) -> str:
    save_file(module_tensors(modules), str(path))
    return str(path)


@pytest.mark.parametrize("rank, alpha, exact", [(4, 2.0, True), (4, 1.0, False), (9, 3.0, False)])
def test_training_on_starts_with_the_function_of_the_file(
    base: Base, tmp_path: Path, rank: int, alpha: float, exact: bool
) -> None:
    adapters = attach(base, conv_rank=2)
    shake(adapters)
    picture, modules = base(), adapters.modules()
    adapters.detach()
    file = written(tmp_path / "first.safetensors", modules)
    second = attach(base, seed=7, conv_rank=rank // 2, rank=rank, alpha=alpha, train_on=file)
    assert torch.equal(base(), picture) if exact else torch.allclose(base(), picture, atol=1e-4)
    assert second.remarks == []
    assert second.modules()["lora_unet_mid_block_attentions_0_proj_in"].rank == rank


def test_what_a_file_has_beyond_the_network_is_named(base: Base, tmp_path: Path) -> None:
    adapters = attach(base)
    modules = adapters.modules()
    adapters.detach()
    second = attach(base, train_text_encoder=False, train_on=written(tmp_path / "first.safetensors", modules))
    assert "12 of 204 modules" in second.remarks[0] and "lora_te_text_model" in second.remarks[0]


def test_a_file_for_another_base_is_refused_before_anything_is_trained(base: Base, tmp_path: Path) -> None:
    name = "lora_unet_mid_block_attentions_0_proj_in"
    other = {"lora_unet_input_blocks_4_1_proj_in": LoraModule(torch.zeros(2, 8), torch.zeros(8, 2), 1.0)}
    wide = {name: LoraModule(torch.zeros(2, 8), torch.zeros(8, 2), 1.0)}
    for modules, words in ((other, "another base"), (wide, "size 8 x 8, here it has 64 x 64")):
        with pytest.raises(FileFormatError, match=words):
            attach(base, train_on=written(tmp_path / "other.safetensors", modules))
        assert not any(isinstance(m, Adapter) for m in base.unet.modules())


def test_a_file_is_tried_out_with_its_own_ranks_and_alphas(base: Base) -> None:
    before, expected = base(), Base()
    names = {
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_2": expected.unet.mid_block.attentions[0]
        .transformer_blocks[0]
        .ff.net[2],
        "lora_unet_down_blocks_0_downsamplers_0_conv": expected.unet.down_blocks[0].downsamplers[0].conv,
        "lora_te_text_model_encoder_layers_1_self_attn_out_proj": next(
            module for name, module in expected.text.named_modules() if name.endswith("layers.1.self_attn.out_proj")
        ),
    }
    modules = {}
    for rank, (name, layer) in enumerate(names.items(), start=1):
        out, inputs, *kernel = layer.weight.shape
        draw = generator("cpu", name)
        down, up = torch.randn(rank, inputs, *kernel, generator=draw), torch.randn(out, rank, generator=draw)
        modules[name] = LoraModule(down, up.reshape(out, rank, *(1 for _ in kernel)), alpha=0.1 * rank)
        layer.weight.data += 0.5 * modules[name].delta()
    unknown = {"lora_unet_nowhere": modules["lora_unet_down_blocks_0_downsamplers_0_conv"]}
    adapters = attach_modules(base.family, base.unet, [base.text], {**modules, **unknown}, "file.safetensors")
    adapters.set_strength(0.5)
    assert torch.allclose(base(), expected(), atol=1e-5)
    assert "lora_unet_nowhere" in adapters.remarks[0]
    adapters.detach()
    assert torch.equal(base(), before)
