import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lora_trainer.twin.small_maps import SmallMapConv, _Product, use_products


def frozen(inputs=128, outputs=1024, kernel=3, **more):
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, kernel, **more).requires_grad_(False)


def output_and_gradient(layer, x):
    given = x.clone().requires_grad_(True)
    out = layer(given)
    (gradient,) = torch.autograd.grad(out.square().sum(), given)
    return out.detach(), gradient


@pytest.mark.parametrize("more", [{"padding": 1}, {"padding": 1, "stride": 2}, {"kernel": (3, 5), "padding": (0, 2)}])
@pytest.mark.parametrize("size", [(1, 4, 4), (3, 5, 4), (2, 3, 6)])
def test_the_product_is_the_convolution_and_so_is_its_gradient(more, size):
    layer = frozen(**more)
    x = torch.randn(size[0], 128, *size[1:], generator=torch.Generator().manual_seed(1))
    wanted = output_and_gradient(layer, x)
    use_products(layer)
    assert isinstance(layer, SmallMapConv) and layer._small(x)
    for found, plain in zip(output_and_gradient(layer, x), wanted):
        torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4)


def test_weights_stay_the_very_parameters_that_they_are():
    layer = frozen(padding=1)
    weight, bits = layer.weight, layer.weight.clone()
    output_and_gradient(use_products(layer), torch.randn(1, 128, 2, 2))
    assert layer.weight is weight and torch.equal(weight, bits)


def test_large_maps_trained_weights_and_other_dtypes_take_the_usual_way(monkeypatch):
    monkeypatch.setattr(_Product, "forward", None)
    large, small = torch.randn(1, 128, 32, 32), torch.randn(1, 128, 2, 2)
    layer = use_products(frozen(padding=1))
    torch.testing.assert_close(layer(large), F.conv2d(large, layer.weight, layer.bias, padding=1))
    layer.bfloat16()(small.bfloat16())
    layer.float().requires_grad_(True)(small).sum().backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize(
    "layer",
    [frozen(8, 8), frozen(1024, 1024, 1), frozen(512, 2048, groups=2), frozen(padding="same"), frozen(dilation=2)],
    ids=["small", "1x1", "groups", "named padding", "dilated"],
)
def test_layers_that_gain_nothing_or_are_unusual_are_left_alone(layer):
    assert type(use_products(layer)) is nn.Conv2d
