import pytest
import torch

from lora_trainer import optimizers
from lora_trainer.optim.adamw_bytes import AVERAGE, DECADES, SQUARES, AdamWBytes, pack, unpack


@pytest.mark.parametrize(("name", "error"), [(AVERAGE, 0.05), (SQUARES, 0.04)])
def test_a_byte_holds_numbers_of_all_sizes_within_a_few_percent(name, error):
    signed = name == AVERAGE
    values = 10 ** (-(DECADES[name] - 0.1) * torch.rand(1000)) * 7
    if signed:
        values = values * torch.where(torch.rand(1000) < 0.5, -1, 1)
    packed, scale = pack(values, DECADES[name], signed=signed)
    again = unpack(packed, scale, DECADES[name], signed=signed)[:1000]
    assert packed.dtype == torch.uint8
    # A block whose largest number is not the largest of all tells smaller ones apart; none is less exact than this.
    assert float(((again - values) / values).abs().max()) < error


def test_nothing_stays_nothing_and_squares_never_become_less_than_a_step():
    assert unpack(*pack(torch.zeros(300), 5.0, signed=True), 5.0, signed=True).abs().max() == 0
    tiny = torch.tensor([1.0, 1e-20])
    assert unpack(*pack(tiny, 7.0, signed=False), 7.0, signed=False)[1] == pytest.approx(1e-7, rel=1e-3)
    assert unpack(*pack(tiny, 5.0, signed=True), 5.0, signed=True)[1] == 0


def descent(optimizer, parameters, target, steps):
    for _ in range(steps):
        for parameter, wanted in zip(parameters, target):
            parameter.grad = parameter.detach() - wanted
        optimizer.step()
    return sum(float((p.detach() - wanted).square().mean()) for p, wanted in zip(parameters, target))


def fresh():
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(30, 20)), torch.nn.Parameter(torch.randn(300))], [
        torch.randn(30, 20),
        torch.randn(300),
    ]


def test_it_goes_on_from_adamw_and_arrives_where_adamw_does():
    ends = []
    for in_bytes in (False, True):
        parameters, target = fresh()
        optimizer = torch.optim.AdamW([{"name": "unet", "params": parameters, "initial_lr": 0.02}], lr=0.02)
        descent(optimizer, parameters, target, 50)
        if in_bytes:
            optimizer = AdamWBytes.going_on_from(optimizer)
            assert optimizer.param_groups[0]["initial_lr"] == 0.02
        ends.append(descent(optimizer, parameters, target, 100))
    assert ends[1] == pytest.approx(ends[0], rel=0.2, abs=1e-3)


def test_gradients_that_are_no_numbers_do_not_move_it_though_they_come_from_a_fused_adamw():
    parameters, target = fresh()
    fused = torch.optim.AdamW(parameters, lr=0.02)
    descent(fused, parameters, target, 3)
    fused.param_groups[0]["fused"] = True  # not every torch has it on a CPU
    optimizer = AdamWBytes.going_on_from(fused)
    before = [parameter.detach().clone() for parameter in parameters]
    optimizers.step_if(optimizer, torch.tensor(False))
    assert all(map(torch.equal, parameters, before))


def test_a_resumed_state_is_the_same_to_the_bit():
    parameters, target = fresh()
    optimizer = AdamWBytes(parameters, lr=0.02)
    descent(optimizer, parameters, target, 5)
    copies = [torch.nn.Parameter(p.detach().clone()) for p in parameters]
    other = AdamWBytes(copies, lr=0.02)
    optimizers.load_optimizer_state(other, *optimizers.optimizer_state(optimizer))
    descent(optimizer, parameters, target, 3)
    descent(other, copies, target, 3)
    assert all(map(torch.equal, parameters, copies))
