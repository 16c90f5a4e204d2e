"""One adapter layer beside one layer of the base."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from lora_trainer.files.lora import LoraModule
from lora_trainer.networks.base import NETWORKS, Plan
from lora_trainer.networks.dropout import Dropout, DropoutClock
from lora_trainer.networks.lora import LoRALayer
from lora_trainer.seeds import generator
from lora_trainer.twin.lora_names import Target


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator("cpu", "test", *shape))


def linear(dtype: torch.dtype = torch.float32) -> nn.Module:
    layer = nn.Linear(6, 5)
    layer.weight.data, layer.bias.data = draw(5, 6), draw(5)
    return layer.to(dtype).requires_grad_(False)


def convolution(kernel: int, stride: int = 1) -> nn.Module:
    layer = nn.Conv2d(6, 5, kernel, stride=stride, padding=kernel // 2)
    layer.weight.data, layer.bias.data = draw(5, 6, kernel, kernel), draw(5)
    return layer.requires_grad_(False)


LAYERS = {
    "linear": (linear, (2, 7, 6)),
    "linear without places": (linear, (2, 6)),
    "1x1 convolution": (lambda: convolution(1), (2, 6, 4, 4)),
    "3x3 convolution": (lambda: convolution(3), (2, 6, 4, 4)),
    "3x3 convolution with stride": (lambda: convolution(3, stride=2), (2, 6, 4, 4)),
}
every_layer = pytest.mark.parametrize("build, shape", LAYERS.values(), ids=LAYERS)


def adapted(layer: nn.Module, *, rank: int = 3, alpha: float = 1.5, seed: int = 1, **dropout: float) -> LoRALayer:
    target = Target("unet", "layer", "lora_unet_layer", "linear", "mid")
    adapter = NETWORKS.get("lora").adapter(layer, Plan(target, rank, alpha), DropoutClock(seed), Dropout(**dropout))
    adapter.clock.training = True
    return adapter


def trained(layer: nn.Module, **options: float) -> LoRALayer:
    """An adapter whose `up` is no longer zero."""
    adapter = adapted(layer, **options)
    adapter.lora_up.data = draw(*adapter.lora_up.shape)
    return adapter


@every_layer
def test_a_fresh_adapter_adds_nothing(build: object, shape: tuple[int, ...]) -> None:
    layer, x = build(), draw(*shape)
    assert torch.equal(adapted(layer)(x), layer(x))


@every_layer
def test_it_computes_what_the_layer_with_the_changed_weight_would(build: object, shape: tuple[int, ...]) -> None:
    layer, x = build(), draw(*shape)
    adapter = trained(layer)
    adapter.strength = 0.7
    changed = build()
    changed.weight.data += 0.7 * adapter.module().delta()
    assert torch.allclose(adapter(x), changed(x), atol=1e-5)


@every_layer
def test_its_gradients_are_those_of_the_changed_weight(build: object, shape: tuple[int, ...]) -> None:
    adapter, x = trained(build()), draw(*shape).requires_grad_()
    adapter(x).square().sum().backward()
    seen = [x.grad.clone(), adapter.lora_down.grad.clone(), adapter.lora_up.grad.clone()]
    layer, y = build(), draw(*shape).requires_grad_()
    down, up = (p.detach().clone().requires_grad_() for p in (adapter.lora_down, adapter.lora_up))
    change = (adapter.scale * up.flatten(1) @ down.flatten(1)).reshape(layer.weight.shape)
    torch.func.functional_call(layer, {"weight": layer.weight + change}, (y,)).square().sum().backward()
    for ours, theirs in zip(seen, [y.grad, down.grad, up.grad]):
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-3)


@every_layer
def test_at_strength_0_the_output_is_the_base_layers_own(build: object, shape: tuple[int, ...]) -> None:
    layer, x = build(), draw(*shape)
    adapter = trained(layer)
    assert not torch.equal(adapter(x), layer(x))
    adapter.strength = 0.0
    assert torch.equal(adapter(x), layer(x))


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_computes_the_same_in_either_order_of_memory(kernel: int) -> None:
    adapter, x = trained(convolution(kernel)), draw(2, 6, 4, 4)
    turned = adapter(x.contiguous(memory_format=torch.channels_last))
    assert torch.allclose(turned, adapter(x), atol=1e-5)


def test_beside_a_bf16_layer_the_adapter_stays_fp32_and_the_output_bf16() -> None:
    adapter = trained(linear(torch.bfloat16))
    out = adapter(draw(2, 7, 6).bfloat16())
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16
    assert adapter.lora_down.dtype == adapter.lora_down.grad.dtype == adapter.lora_up.grad.dtype == torch.float32


def test_under_autocast_the_output_has_the_dtype_of_the_base_layers() -> None:
    adapter = trained(linear())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert adapter(draw(2, 7, 6)).dtype == torch.bfloat16


def test_the_start_depends_on_seed_and_name_alone() -> None:
    torch.manual_seed(1)
    first = adapted(linear()).lora_down
    torch.manual_seed(2)
    assert torch.equal(first, adapted(linear()).lora_down)
    assert not torch.equal(first, adapted(linear(), seed=2).lora_down)
    assert first.abs().max() <= 6**-0.5 and first.abs().max() > 0.5 * 6**-0.5


DROPOUTS = [{"inputs": 0.5}, {"ranks": 0.5}, {"modules": 0.5}, {"inputs": 0.2, "ranks": 0.3, "modules": 0.1}]


@every_layer
@pytest.mark.parametrize("shares", DROPOUTS)
def test_dropout_depends_on_the_micro_batch_and_on_nothing_that_came_before(
    build: object, shape: tuple[int, ...], shares: dict[str, float]
) -> None:
    adapter, x = trained(build(), **shares), draw(*shape)

    def at(step: int, micro: int) -> torch.Tensor:
        adapter.clock.set(step, micro)
        return adapter(x)

    places = [(step, micro) for step in range(4) for micro in range(2)]
    forwards = {place: at(*place) for place in places}
    backwards = {place: at(*place) for place in reversed(places)}
    assert all(torch.equal(forwards[place], backwards[place]) for place in places)
    assert any(not torch.equal(forwards[0, 0], forwards[step, 0]) for step in range(4))
    assert any(not torch.equal(forwards[step, 0], forwards[step, 1]) for step in range(4))


@pytest.mark.parametrize("shares", DROPOUTS)
def test_dropout_draws_nothing_from_the_global_state_and_stops_with_training(shares: dict[str, float]) -> None:
    layer, x = linear(), draw(2, 7, 6)
    adapter, state = trained(layer, **shares), torch.get_rng_state()
    adapter(x)
    assert torch.equal(torch.get_rng_state(), state)
    adapter.clock.training = False
    assert torch.equal(adapter(x), trained(layer)(x))


@every_layer
def test_checkpointing_recomputes_with_the_same_masks(build: object, shape: tuple[int, ...]) -> None:
    shares = {"inputs": 0.3, "ranks": 0.3}
    gradients = []
    for recompute in (False, True):
        adapter, x = trained(build(), **shares), draw(*shape).requires_grad_()
        adapter.clock.set(5, 1)
        if recompute:
            out = checkpoint(adapter, x, use_reentrant=False, preserve_rng_state=False)
        else:
            out = adapter(x)
        out.square().sum().backward()
        gradients.append((x.grad, adapter.lora_down.grad, adapter.lora_up.grad))
    assert all(torch.equal(plain, again) for plain, again in zip(*gradients))


@pytest.mark.parametrize("shares", [{"inputs": 0.4}, {"ranks": 0.4}])
def test_what_is_added_keeps_its_mean_under_dropout(shares: dict[str, float]) -> None:
    layer, x = linear(), draw(200, 3, 6)
    plain, adapter = trained(layer), trained(layer, **shares)
    total = torch.zeros(5)
    for step in range(40):
        adapter.clock.set(step)
        total += ((adapter(x) - layer(x)) * (plain(x) - layer(x)).sign()).mean(dim=(0, 1))
    expected = (plain(x) - layer(x)).abs().mean(dim=(0, 1))
    assert torch.allclose(total / 40, expected, rtol=0.05)


def test_rank_dropout_drops_whole_ranks_and_each_sample_its_own() -> None:
    adapter = adapted(linear(), rank=8, ranks=0.5)
    hidden = torch.ones(50, 7, 8)
    kept = adapter._kept_ranks(hidden, -1)
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert len({tuple(row.tolist()) for row in kept[:, 0]}) > 10


def test_module_dropout_skips_its_share_of_micro_batches() -> None:
    layer, x = linear(), draw(2, 6)
    adapter = trained(layer, modules=0.3)
    skipped = 0
    for step in range(500):
        adapter.clock.set(step)
        skipped += torch.equal(adapter(x), layer(x))
    assert 115 < skipped < 185


@every_layer
def test_max_norm_scales_only_what_is_too_long_and_keeps_its_direction(build: object, shape: tuple[int, ...]) -> None:
    adapter = trained(build())
    before = adapter.module().delta()
    adapter.limit_norm(before.norm().item() * 1.01)
    assert torch.equal(adapter.module().delta(), before)
    adapter.limit_norm(0.5)
    after = adapter.module().delta()
    assert after.norm().item() == pytest.approx(0.5, rel=1e-4)
    assert torch.allclose(after / after.norm(), before / before.norm(), atol=1e-5)


@pytest.mark.parametrize("rank", [1, 3, 7])
@every_layer
def test_starting_from_a_module_keeps_its_function_and_learns_in_every_rank(
    build: object, shape: tuple[int, ...], rank: int
) -> None:
    layer, x = build(), draw(*shape)
    kernel = layer.weight.shape[2:]
    given = LoraModule(draw(2, 6, *kernel), draw(5, 2, *(1 for _ in kernel)), alpha=3.0)
    if rank == 1:
        given.up[:, 1] = given.up[:, 0] * 2  # of true rank 1, so that nothing is lost
    adapter = adapted(layer, rank=rank, alpha=0.5)
    adapter.start_from(given)
    expected = build()
    expected.weight.data += given.delta()
    assert torch.allclose(adapter(x), expected(x), atol=1e-4)
    adapter(x).square().sum().backward()
    assert (adapter.lora_up.grad.flatten(1).norm(dim=0) > 0).all()


def test_starting_from_the_same_rank_and_alpha_copies_the_numbers() -> None:
    given = trained(linear()).module()
    adapter = adapted(linear(), seed=9)
    adapter.start_from(given)
    assert torch.equal(adapter.lora_down, given.down) and torch.equal(adapter.lora_up, given.up)
