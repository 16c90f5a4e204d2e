"""A frozen linear layer and its adapter as one operation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lora_trainer.networks.fused import fused_linear, fuses
from lora_trainer.seeds import generator


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator("cpu", "fused", *shape), dtype=torch.float64)


def frozen(bias: bool = True) -> nn.Linear:
    layer = nn.Linear(6, 5, bias=bias, dtype=torch.float64).requires_grad_(False)
    layer.weight.copy_(draw(5, 6))
    return layer


@pytest.mark.parametrize("shape", [(6,), (7, 6), (2, 7, 6)])
@pytest.mark.parametrize("bias", [True, False])
def test_output_and_all_gradients_are_those_of_the_two_apart(shape: tuple[int, ...], bias: bool) -> None:
    layer, given = frozen(bias), [one.requires_grad_() for one in (draw(*shape), draw(3, 6), draw(5, 3))]
    x, down, up = given

    together, apart = fused_linear(x, layer, down, up, 0.7), layer(x) + 0.7 * (x @ down.T @ up.T)

    assert torch.allclose(together, apart)
    weights = draw(*together.shape)
    for mine, theirs in zip(torch.autograd.grad(together, given, weights), torch.autograd.grad(apart, given, weights)):
        assert mine.shape == theirs.shape and torch.allclose(mine, theirs)


def test_an_input_without_gradient_gets_none() -> None:
    down = draw(3, 6).requires_grad_()

    fused_linear(draw(7, 6), frozen(), down, draw(5, 3), 1.0).sum().backward()

    assert down.grad is not None


def test_the_input_and_the_base_weights_stay_what_they_are() -> None:
    layer, x = frozen(), draw(7, 6)
    before = x.clone(), layer.weight.clone(), layer.bias.clone()

    fused_linear(x, layer, draw(3, 6), draw(5, 3), 1.0)

    assert all(torch.equal(now, then) for now, then in zip((x, layer.weight, layer.bias), before))


def test_layers_with_listeners_gradients_another_dtype_or_another_class_are_called_as_they_are() -> None:
    listened, trained, special = frozen(), frozen().requires_grad_(True), frozen()
    listened.register_forward_hook(lambda *_: None)
    special.__class__ = type("Special", (nn.Linear,), {})

    assert fuses(frozen(), draw(7, 6))
    assert not any(fuses(layer, draw(7, 6)) for layer in (listened, trained, special))
    assert not fuses(frozen(), draw(7, 6).float())
