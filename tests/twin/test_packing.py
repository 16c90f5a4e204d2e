import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from lora_trainer.twin import packing
from lora_trainer.twin.packing import operators_work, pack
from lora_trainer.twin.small_maps import SmallMapConv, use_products

works = pytest.mark.skipif(not operators_work(), reason="this torch cannot pack weights on this processor")

LAYERS = {
    "linear": (lambda: nn.Linear(256, 320), [(2, 77, 256), (1, 256), (1, 5, 256)]),
    "linear without bias": (lambda: nn.Linear(256, 320, bias=False), [(4, 16, 256)]),
    "3x3": (lambda: nn.Conv2d(64, 96, 3, padding=1), [(1, 64, 16, 16), (3, 64, 5, 7), (1, 64, 2, 2)]),
    "stride 2": (lambda: nn.Conv2d(64, 96, 3, padding=1, stride=2), [(1, 64, 16, 16), (2, 64, 5, 7), (1, 64, 2, 4)]),
    "1x1": (lambda: nn.Conv2d(128, 192, 1), [(1, 128, 8, 8), (2, 128, 3, 5)]),
}


def frozen(kind, dtype=torch.bfloat16):
    torch.manual_seed(0)
    return LAYERS[kind][0]().to(dtype).requires_grad_(False)


def inputs(kind):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator).bfloat16() for shape in LAYERS[kind][1]]


def output_and_gradient(layer, x):
    given = x.clone().requires_grad_(True)
    out = layer(given)
    (gradient,) = torch.autograd.grad(out.float().square().sum(), given)
    return out.detach(), gradient


@works
@pytest.mark.parametrize("kind", LAYERS)
def test_a_packed_layer_gives_the_plain_one_s_outputs_and_gradients_for_every_shape(kind):
    plain, packed = frozen(kind), frozen(kind)
    assert pack(packed) == 1
    for x in inputs(kind):
        for found, wanted in zip(output_and_gradient(packed, x), output_and_gradient(plain, x)):
            assert found.shape == wanted.shape
            assert (found - wanted).abs().max() <= 0.02 * wanted.abs().max()


@works
@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_whose_weights_somebody_reads_stays_plain(kind):
    plain, kept = frozen(kind), frozen(kind)
    pack(kept)
    kept(inputs(kind)[0])
    packing.keep_plain(kept)
    output_and_gradient(kept, inputs(kind)[0])
    assert type(kept) is type(plain) and torch.equal(kept.weight, plain.weight)


@works
def test_once_used_both_ways_a_layer_has_no_plain_weights_and_no_reader_takes_them_for_such():
    layer, x = frozen("linear"), inputs("linear")[0]
    pack(layer)
    with torch.no_grad():
        layer(x)
    assert torch.equal(layer.weight, frozen("linear").weight)
    output_and_gradient(layer, x)
    assert layer.weight.shape == (320, 256) and layer.weight.dtype == torch.bfloat16
    assert layer.weight.isnan().all() and layer.weight.untyped_storage().nbytes() == 2


@works
def test_recomputed_layers_give_the_same_gradient():
    network, x = nn.Sequential(frozen("linear"), nn.GELU()), inputs("linear")[0]
    pack(network)
    kept = output_and_gradient(network, x)
    again = output_and_gradient(lambda given: checkpoint(network, given, use_reentrant=False), x)
    assert all(torch.equal(one, other) for one, other in zip(kept, again))


@works
def test_convolutions_that_know_a_way_for_small_maps_are_packed_as_well():
    network = use_products(nn.Sequential(nn.Conv2d(320, 384, 3, padding=1)).bfloat16().requires_grad_(False))
    assert type(network[0]) is SmallMapConv
    assert pack(network) == 1


@works
def test_only_frozen_bf16_layers_of_some_size_are_packed():
    assert pack(frozen("linear", torch.float32)) == 0
    assert pack(frozen("linear").requires_grad_(True)) == 0
    assert pack(nn.Linear(8, 8, dtype=torch.bfloat16).requires_grad_(False)) == 0
    assert pack(nn.Conv2d(256, 256, 3, groups=2, dtype=torch.bfloat16).requires_grad_(False)) == 0


@pytest.mark.parametrize("fault", ["missing", "wrong"])
def test_where_the_operators_are_missing_or_wrong_layers_stay_as_they_are(monkeypatch, fault):
    class Wrong:
        def __getattr__(self, name):
            if fault == "missing":
                raise AttributeError(name)
            return lambda tensor, *rest: tensor.new_zeros(2, 7, 32)

    monkeypatch.setattr(packing, "_ops", Wrong)
    operators_work.cache_clear()
    try:
        layer = frozen("linear")
        assert pack(layer) == 0 and type(layer) is nn.Linear
    finally:
        operators_work.cache_clear()
