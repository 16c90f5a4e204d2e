"""Optimizers by name, and their state."""

from __future__ import annotations

import importlib.util
import json
import math

import pytest
import torch

from lora_trainer.config import OptimizerOptions
from lora_trainer.errors import TrainingError, UserError
from lora_trainer.optimizers import (
    OPTIMIZERS,
    build,
    load_optimizer_state,
    optimizer_state,
    remarks,
    set_rates,
    weights_for_use,
)
from lora_trainer.seeds import generator

PRESENT = [
    name for name in OPTIMIZERS.names() if name != "adamw8bit" or importlib.util.find_spec("bitsandbytes") is not None
]
NAMES = [*PRESENT, "torch.optim.NAdam"]


def parameters() -> list[torch.nn.Parameter]:
    draw = generator("cpu", "parameters")
    return [torch.nn.Parameter(torch.randn(shape, generator=draw)) for shape in ((8, 6), (6, 8), (4, 3, 3, 3), (5,))]


def built(name: str, params: list[torch.nn.Parameter], **arguments: object) -> torch.optim.Optimizer:
    rate = 1.0 if name == "prodigy" else 1e-2
    groups = [
        {"name": "unet", "params": params[:2], "lr": rate},
        {"name": "text", "params": params[2:], "lr": rate / 2},
    ]
    return build(OptimizerOptions(name=name, learning_rate=rate, arguments=arguments), groups)


def run(optimizer: torch.optim.Optimizer, params: list[torch.nn.Parameter], first: int, last: int) -> None:
    for step in range(first, last):
        set_rates(optimizer, 1 / (1 + 0.1 * step))
        optimizer.zero_grad()
        noise = generator("cpu", "gradient", step)
        loss = sum(((p - 1 + 0.1 * torch.randn(p.shape, generator=noise)) ** 2).sum() for p in params)
        loss.backward()
        optimizer.step()


def settings(optimizer: torch.optim.Optimizer) -> list[dict[str, object]]:
    """Plain values of the groups that stay the same from step to step."""
    kept = ("name", "betas", "weight_decay", "initial_lr", "momentum")
    return [{name: group[name] for name in kept if name in group} for group in optimizer.param_groups]


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_optimizer_goes_on_to_the_bit(name: str) -> None:
    straight = parameters()
    run(built(name, straight), straight, 0, 9)

    first = parameters()
    optimizer = built(name, first)
    run(optimizer, first, 0, 5)
    tensors, plain = optimizer_state(optimizer)
    plain = json.loads(json.dumps(plain))
    second = [torch.nn.Parameter(p.detach().clone()) for p in first]
    resumed = built(name, second)
    load_optimizer_state(resumed, tensors, plain)
    run(resumed, second, 5, 9)

    assert all(torch.equal(a, b) for a, b in zip(straight, second))
    assert set(optimizer_state(resumed)[0]) == set(tensors)
    assert settings(resumed) == settings(optimizer)


def excess(params: list[torch.nn.Parameter]) -> float:
    return sum((p.detach() - 1).square().sum().item() for p in params)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_comes_nearer_to_the_minimum(name: str) -> None:
    params = parameters()
    before = excess(params)
    optimizer = built(name, params, **({"d0": 1e-2} if name == "prodigy" else {}))
    run(optimizer, params, 0, 30)
    assert excess(params) < 0.95 * before


@pytest.mark.parametrize("name", NAMES)
def test_parameters_without_a_gradient_stay_where_they_are(name: str) -> None:
    params = parameters()
    before = params[0].detach().clone()
    optimizer = built(name, params)
    for p in params[1:]:
        p.grad = torch.ones_like(p)
    optimizer.step()
    assert torch.equal(params[0], before)


def test_a_state_of_other_parameters_is_refused_with_a_sentence() -> None:
    params = parameters()
    tensors, plain = optimizer_state(built("adamw", params))
    with pytest.raises(TrainingError, match="options were changed"):
        load_optimizer_state(build(OptimizerOptions(), [{"params": params[:2], "lr": 1.0}]), tensors, plain)


def test_rates_are_set_by_group_and_reported_by_name() -> None:
    optimizer = built("adamw", parameters())
    assert set_rates(optimizer, 0.5) == {"unet": pytest.approx(5e-3), "text": pytest.approx(2.5e-3)}


def test_lists_in_arguments_serve_as_tuples() -> None:
    assert built("adamw", parameters(), betas=[0.8, 0.9]).param_groups[0]["betas"] == (0.8, 0.9)


def test_wrong_names_and_arguments_are_told_in_sentences() -> None:
    wrong = {"adamW": "Did you mean 'adamw'", "torch.optim.Adamm": "has no 'Adamm'", "no.such.Thing": "cannot"}
    for name, words in wrong.items():
        with pytest.raises(UserError, match=words):
            built(name, parameters())
    with pytest.raises(UserError, match=r"Mend optimizer\.arguments"):
        built("lion", parameters(), momentum=0.9)


@pytest.mark.skipif("adamw8bit" in PRESENT, reason="bitsandbytes is here")
def test_without_bitsandbytes_the_8_bit_optimizer_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"bitsandbytes.*adafactor"):
        built("adamw8bit", parameters())


def test_remarks_name_a_rate_that_prodigy_and_a_schedule_that_schedule_free_do_not_want() -> None:
    assert "about 1" in remarks(OptimizerOptions(name="prodigy"))[0]
    assert "'constant'" in remarks(OptimizerOptions(name="schedule_free_adamw"))[0]
    assert remarks(OptimizerOptions()) == []


# Each of our own against its paper's formula, written out for a single number.


def scalar(name: str, start: float, lr: float, steps: int, **arguments: object) -> tuple[list[float], list[float]]:
    """The path of one parameter under the gradient p^3 + 0.1, and the gradients on it."""
    p = torch.nn.Parameter(torch.tensor([start]))
    options = OptimizerOptions(name=name, learning_rate=lr, weight_decay=0.1, arguments=arguments)
    optimizer = build(options, [{"params": [p], "lr": lr}])
    path, grads = [start], []
    for _ in range(steps):
        p.grad = p.detach() ** 3 + 0.1
        grads.append(p.grad.item())
        optimizer.step()
        path.append(p.item())
    return path, grads


def test_lion_follows_its_paper() -> None:
    path, grads = scalar("lion", 0.5, 0.1, 6)
    x, m = 0.5, 0.0
    for g, seen in zip(grads, path[1:]):
        x -= 0.1 * (math.copysign(1, 0.9 * m + 0.1 * g) + 0.1 * x)
        m = 0.99 * m + 0.01 * g
        assert seen == pytest.approx(x, rel=1e-5)


def test_prodigy_follows_its_paper() -> None:
    path, grads = scalar("prodigy", 0.5, 1.0, 8, d0=1e-3)
    x = x0 = 0.5
    d, r, s, m, v, b1, b2 = 1e-3, 0.0, 0.0, 0.0, 0.0, 0.9, 0.999
    for g, seen in zip(grads, path[1:]):
        r = math.sqrt(b2) * r + d * d * g * (x0 - x)
        s = math.sqrt(b2) * s + d * d * g
        m, v = b1 * m + (1 - b1) * d * g, b2 * v + (1 - b2) * d * d * g * g
        d, step = max(d, r / abs(s)), d
        x -= step * 0.1 * x + step * m / (math.sqrt(v) + d * 1e-8)
        assert seen == pytest.approx(x, rel=1e-4)
    assert d > 1e-3


def test_schedule_free_follows_its_paper_and_shows_the_average() -> None:
    p = torch.nn.Parameter(torch.tensor([0.5]))
    optimizer = build(
        OptimizerOptions(name="schedule_free_adamw", learning_rate=0.1, weight_decay=0.1), [{"params": [p], "lr": 0.1}]
    )
    x = z = 0.5
    v = total = 0.0
    for k in range(1, 7):
        y = 0.1 * z + 0.9 * x
        assert p.item() == pytest.approx(y, rel=1e-5)
        g = y**3 + 0.1
        p.grad = torch.tensor([g])
        optimizer.step()
        v = 0.999 * v + 0.001 * g * g
        z -= 0.1 * (g / (math.sqrt(v / (1 - 0.999**k)) + 1e-8) + 0.1 * y)
        total += 0.01
        x += 0.01 / total * (z - x)
        with weights_for_use(optimizer):
            assert p.item() == pytest.approx(x, rel=1e-5)


def test_looking_at_the_average_changes_nothing() -> None:
    straight, looked = parameters(), parameters()
    run(built("schedule_free_adamw", straight), straight, 0, 6)
    optimizer = built("schedule_free_adamw", looked)
    for step in range(6):
        run(optimizer, looked, step, step + 1)
        with weights_for_use(optimizer), pytest.raises(RuntimeError, match="average"):
            optimizer_state(optimizer)
    assert all(torch.equal(a, b) for a, b in zip(straight, looked))


def test_adafactor_keeps_a_row_and_a_column_and_follows_its_paper() -> None:
    p = torch.nn.Parameter(torch.zeros(2, 3))
    optimizer = build(OptimizerOptions(name="adafactor", weight_decay=0.0), [{"params": [p], "lr": 0.1}])
    p.grad = torch.tensor([[1.0, 2.0, 2.0], [2.0, 4.0, 4.0]])  # rank one, so that factors are exact
    optimizer.step()
    assert sum(t.numel() for t in optimizer.state[p].values()) == 5
    assert torch.allclose(p, torch.full((2, 3), -0.1), atol=1e-6)
