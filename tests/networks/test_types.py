"""What every type of network owes, one row a type: a layer alone, a file and back, and a whole base."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lora_trainer.config import NetworkOptions, OptimizerOptions, TrainConfig
from lora_trainer.errors import ConfigError, FileFormatError
from lora_trainer.files.module import Module
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.networks.adapters import Adapters, attach_modules
from lora_trainer.networks.base import NETWORKS, Adapter, Plan
from lora_trainer.networks.dora import DoRALayer
from lora_trainer.networks.dropout import Dropout, DropoutClock
from lora_trainer.seeds import generator
from lora_trainer.twin.lora_names import Target

from .conftest import Base

NAME = "lora_unet_mid_block_attentions_0_proj_in"
TARGET = Target("unet", "layer", NAME, "linear", "mid")


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=generator("cpu", "test", seed, *shape))


def linear() -> nn.Module:
    layer = nn.Linear(12, 8)
    layer.weight.data, layer.bias.data = draw(8, 12), draw(8)
    return layer.requires_grad_(False)


def convolution(kernel: int = 3, stride: int = 1) -> nn.Module:
    layer = nn.Conv2d(12, 8, kernel, stride=stride, padding=kernel // 2)
    layer.weight.data, layer.bias.data = draw(8, 12, kernel, kernel), draw(8)
    return layer.requires_grad_(False)


LAYERS = {
    "linear": (linear, (2, 5, 12)),
    "1x1 convolution": (lambda: convolution(1), (2, 12, 4, 4)),
    "3x3 convolution with stride": (lambda: convolution(3, 2), (2, 12, 4, 4)),
}


# What a weight becomes at strength 1 by the tensors of a file, as the WebUI's loader computes it


def by_lora(weight: Tensor, parts: dict[str, Tensor]) -> Tensor:
    down, up = parts["lora_down.weight"], parts["lora_up.weight"]
    change = (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)
    return weight + change * (parts["alpha"] / len(down))


def by_dora(weight: Tensor, parts: dict[str, Tensor]) -> Tensor:
    turned = by_lora(weight, parts)
    columns = turned.transpose(0, 1).flatten(1).norm(dim=1)
    return turned * parts["dora_scale"] / columns.reshape(1, -1, *(1 for _ in weight.shape[2:]))


def by_lokr(weight: Tensor, parts: dict[str, Tensor]) -> Tensor:
    second, scale = parts.get("lokr_w2"), 1.0
    if second is None:
        second = parts["lokr_w2_a"] @ parts["lokr_w2_b"]
        scale = parts["alpha"] / len(parts["lokr_w2_b"])
    rows = [torch.cat([number * second.flatten(1) for number in row], dim=1) for row in parts["lokr_w1"]]
    return weight + scale * torch.cat(rows).reshape(weight.shape)


def by_loha(weight: Tensor, parts: dict[str, Tensor]) -> Tensor:
    first, second = (parts[f"hada_w{n}_a"] @ parts[f"hada_w{n}_b"] for n in (1, 2))
    return weight + (first * second).reshape(weight.shape) * (parts["alpha"] / len(parts["hada_w1_b"]))


TYPES: dict[str, tuple[dict[str, Any], Callable[[Tensor, dict[str, Tensor]], Tensor]]] = {
    "lora": ({}, by_lora),
    "dora": ({}, by_dora),
    "lokr": ({}, by_lokr),
    "loha": ({}, by_loha),
}
"""By name: options of the type alone, and the formula."""

every_type = pytest.mark.parametrize("kind", TYPES)
every_layer = pytest.mark.parametrize(("build", "shape"), LAYERS.values(), ids=LAYERS)


def adapted(kind: str, layer: nn.Module, *, seed: int = 1, like: Module | None = None, **dropout: float) -> Adapter:
    plan = Plan(TARGET, 3, 1.5, arguments=TYPES[kind][0], like=like)
    adapter = NETWORKS.get(kind).adapter(layer, plan, DropoutClock(seed), Dropout(**dropout))
    adapter.clock.training = True
    return adapter


def shaken(kind: str, layer: nn.Module, **options: Any) -> Adapter:
    """An adapter with a little of everything in all that is trained."""
    adapter = adapted(kind, layer, **options)
    for number, parameter in enumerate(adapter.trained().values()):
        parameter.data += 0.3 * draw(*parameter.shape, seed=number)
    return adapter


def changed(layer: nn.Module, weight: Tensor, x: Tensor) -> Tensor:
    """The layer's output with another weight."""
    return torch.func.functional_call(layer, {"weight": weight}, (x,))


@every_type
def test_the_table_has_every_type(kind: str) -> None:
    assert set(TYPES) == set(NETWORKS.names())


@every_type
@every_layer
def test_a_fresh_adapter_leaves_the_output_alone_to_the_bit(kind: str, build: Any, shape: tuple[int, ...]) -> None:
    layer, x = build(), draw(*shape)
    assert torch.equal(adapted(kind, layer)(x), layer(x))


@every_type
@every_layer
@pytest.mark.parametrize("strength", [1.0, 0.7, -0.5])
def test_a_file_says_to_the_webui_what_was_trained(
    kind: str, build: Any, shape: tuple[int, ...], strength: float
) -> None:
    layer, x = build(), draw(*shape)
    adapter = shaken(kind, layer)
    adapter.strength = strength
    module, weight = adapter.module(), layer.weight
    by_file = TYPES[kind][1](weight, module.tensors())
    assert torch.allclose(module.change(weight), by_file - weight, atol=1e-5)
    assert torch.allclose(adapter(x), changed(layer, weight + strength * (by_file - weight), x), atol=1e-4)


@every_type
@every_layer
def test_what_is_written_is_read_and_drawn_with_as_it_was(
    kind: str, build: Any, shape: tuple[int, ...], tmp_path: Path
) -> None:
    layer, x = build(), draw(*shape)
    adapter = shaken(kind, layer)
    path = write_lora(tmp_path / "a.safetensors", {NAME: adapter.module()}, {}, "fp32").path
    (module,) = read_lora(path).usable("draw with").values()
    assert module.kind == kind
    drawing = adapted(kind, layer, seed=2, like=module)
    drawing.start_from(module)
    assert torch.allclose(drawing(x), adapter(x), atol=1e-5)
    assert all(torch.allclose(drawing.module().tensors()[k], v, atol=1e-6) for k, v in module.tensors().items())


@every_type
def test_an_attention_layer_of_open_clip_is_completed_by_what_changes_nothing(kind: str, tmp_path: Path) -> None:
    layer = "lora_te2_text_model_encoder_layers_0_self_attn_"
    square = nn.Linear(8, 8).requires_grad_(False)
    written = {f"{layer}v_proj": shaken(kind, square).module()}
    known = read_lora(write_lora(tmp_path / "a.safetensors", written, {}, "fp32").path).known
    assert len(known) == 4
    moved = [name for name, module in known.items() if module.change(square.weight).any()]
    assert moved == [f"{layer}v_proj"]


@every_type
@every_layer
def test_the_way_back_is_that_of_the_formula(kind: str, build: Any, shape: tuple[int, ...]) -> None:
    layer, x = build(), draw(*shape).requires_grad_()
    adapter = shaken(kind, layer)
    parameters = list(adapter.trained().values())
    adapter(x).square().sum().backward()
    gradients = [parameter.grad for parameter in (x, *parameters)]
    if isinstance(adapter, DoRALayer):  # its lengths count as constants on the way back
        lengths = adapter.lengths()
        adapter.lengths = lambda: lengths
    with torch.no_grad():  # against the difference that a small move makes
        for parameter, gradient in zip((x, *parameters), gradients):
            direction, before, sums = draw(*parameter.shape, seed=9), parameter.clone(), []
            for sign in (1, -1):
                parameter.copy_(before + sign * 1e-2 * direction)
                sums.append(adapter(x).double().square().sum().item())
            parameter.copy_(before)
            assert (sums[0] - sums[1]) / 2e-2 == pytest.approx((gradient * direction).sum().item(), rel=2e-2, abs=0.5)


@every_type
@every_layer
def test_checkpointing_recomputes_with_the_same_masks(kind: str, build: Any, shape: tuple[int, ...]) -> None:
    gradients = []
    for recompute in (False, True):
        adapter, x = shaken(kind, build(), inputs=0.3), draw(*shape).requires_grad_()
        adapter.clock.set(5, 1)
        out = checkpoint(adapter, x, use_reentrant=False, preserve_rng_state=False) if recompute else adapter(x)
        out.square().sum().backward()
        gradients.append([x.grad, *(parameter.grad for parameter in adapter.trained().values())])
    assert all(torch.equal(plain, again) for plain, again in zip(*gradients))


@every_type
@pytest.mark.parametrize("shares", [{"inputs": 0.5}, {"modules": 0.5}])
def test_dropout_depends_on_the_micro_batch_alone_and_stops_with_training(kind: str, shares: dict[str, float]) -> None:
    layer, x = linear(), draw(2, 5, 12)
    adapter, outputs = shaken(kind, layer, **shares), []
    for step in (0, 1, 2, 3, 0, 1, 2, 3):
        adapter.clock.set(step)
        outputs.append(adapter(x))
    assert all(torch.equal(first, again) for first, again in zip(outputs[:4], outputs[4:]))
    assert any(not torch.equal(outputs[0], other) for other in outputs[1:4])
    adapter.clock.training = False
    assert torch.equal(adapter(x), shaken(kind, layer)(x))


@every_type
@every_layer
def test_max_norm_shortens_what_is_too_long_and_nothing_else(kind: str, build: Any, shape: tuple[int, ...]) -> None:
    adapter = shaken(kind, build())
    before = {key: parameter.detach().clone() for key, parameter in adapter.trained().items()}
    adapter.limit_norm(1e4)
    assert all(torch.equal(before[key], parameter) for key, parameter in adapter.trained().items())
    for most in (0.5, 0.25):
        adapter.limit_norm(most)
        assert length_of(adapter) == pytest.approx(most, rel=1e-3)


def length_of(adapter: Adapter) -> float:
    """Of what is added to the weight, for DoRA before lengths are set."""
    module: Any = adapter.module()
    return getattr(module, "low_rank", module).change(torch.zeros_like(adapter.weight)).norm().item()


@every_type
def test_beside_a_bf16_layer_what_is_trained_stays_fp32_and_the_output_bf16(kind: str) -> None:
    adapter = shaken(kind, linear().bfloat16())
    out = adapter(draw(2, 5, 12).bfloat16())
    out.float().sum().backward()
    assert out.dtype == torch.bfloat16
    assert {p.grad.dtype for p in adapter.trained().values()} == {p.dtype for p in adapter.trained().values()}
    exact = shaken(kind, linear().bfloat16().float())
    assert F.cosine_similarity(out.float().flatten(), exact(draw(2, 5, 12)).flatten(), dim=0) > 0.999


@every_type
def test_the_start_depends_on_seed_and_name_alone(kind: str) -> None:
    starts = []
    for global_seed, seed in ((1, 1), (2, 1), (1, 2)):
        torch.manual_seed(global_seed)
        starts.append([p.detach() for p in adapted(kind, linear(), seed=seed).trained().values()])
    assert all(torch.equal(one, other) for one, other in zip(starts[0], starts[1]))
    assert any(not torch.equal(one, other) for one, other in zip(starts[0], starts[2]))


# On a whole base


def attach(base: Base, kind: str, **options: Any) -> Adapters:
    given = {"rank": 2, "alpha": 1.0, "conv_rank": 2, "train_text_encoder": True, "arguments": TYPES[kind][0]}
    network = NetworkOptions(**{"type": kind, **given, **options})
    return NETWORKS.get(kind).attach(base.family, base.unet, [base.text], TrainConfig(network=network, seed=1))


def train(base: Base, adapters: Adapters, first: int, last: int) -> None:
    optimizer = torch.optim.AdamW(adapters.parameter_groups(TrainConfig(optimizer=OptimizerOptions(loraplus_ratio=2))))
    for step in range(first, last):
        adapters.clock.set(step, pictures=2, rows=slice(0, 2))
        base(step).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        adapters.limit_norms()


@every_type
def test_training_moves_everything_leaves_the_base_alone_and_draws_as_it_learned(
    kind: str, base: Base, tmp_path: Path
) -> None:
    before, picture = base.tensors(), base()
    adapters = attach(base, kind, dropout=0.1, scale_weight_norms=5.0)
    start = adapters.state()
    train(base, adapters, 0, 2)
    assert all(not torch.equal(tensor, start[key]) for key, tensor in adapters.state().items())
    with adapters.evaluating():
        learned = base()
    path = write_lora(tmp_path / "a.safetensors", adapters.modules(), adapters.metadata(), "fp32").path
    adapters.detach()
    assert all(torch.equal(tensor, base.tensors()[name]) for name, tensor in before.items())
    drawing = attach_modules(base.family, base.unet, [base.text], read_lora(path).usable("draw with"), "a.safetensors")
    assert torch.allclose(base(), learned, atol=1e-5) and not torch.allclose(learned, picture, atol=1e-5)
    drawing.set_strength(0.0)
    assert torch.equal(base(), picture)


@every_type
def test_a_restored_training_goes_on_to_the_bit(kind: str, base: Base) -> None:
    ends = []
    for stop in (None, 1):
        adapters = attach(base, kind, train_text_encoder=False, attention_only=True, conv_rank=0, dropout=0.2)
        state = adapters.state()
        for first, last in [(0, 1), (1, 2)]:
            if stop == first:
                state = adapters.state()
                adapters.detach()
                adapters = attach(base, kind, train_text_encoder=False, attention_only=True, conv_rank=0, dropout=0.2)
                adapters.restore(state)
            train(base, adapters, first, last)
        ends.append(adapters.state())
        adapters.detach()
    assert all(torch.equal(tensor, ends[1][key]) for key, tensor in ends[0].items())


@every_type
def test_training_on_goes_on_from_its_own_kind_and_says_so_where_it_cannot(
    kind: str, base: Base, tmp_path: Path
) -> None:
    for other in TYPES:
        path = write_lora(tmp_path / f"{other}.safetensors", {NAME: shaken(other, square()).module()}, {}, "fp32").path
        options = {"train_on": str(path), "train_text_encoder": False, "conv_rank": 0, "rank": 3, "alpha": 1.5}
        if other in NETWORKS.get(kind).goes_on_from:
            adapters = attach(base, kind, **options)
            weight = adapters[NAME].weight
            given = read_lora(path).known[NAME].change(weight)
            assert torch.allclose(adapters[NAME].module().change(weight), given, atol=1e-4)
            adapters.detach()
        else:
            with pytest.raises(FileFormatError, match=f"of the type '{other}', from which .* '{kind}' cannot go on"):
                attach(base, kind, **options)


def square() -> nn.Module:
    layer = nn.Conv2d(64, 64, 1)
    layer.weight.data = draw(64, 64, 1, 1)
    return layer.requires_grad_(False)


@every_type
def test_wrong_arguments_of_the_type_are_named(kind: str, base: Base) -> None:
    with pytest.raises(ConfigError, match="'decompose'"):
        attach(base, kind, arguments={"decompose": True})
