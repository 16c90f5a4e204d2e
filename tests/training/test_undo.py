"""A move that breaks off, at whatever operation, has moved nothing."""

import pytest
import torch

from lora_trainer import optimizers
from lora_trainer.config import OptimizerOptions
from lora_trainer.optim.adamw_bytes import AdamWBytes
from lora_trainer.training.undo import whole_or_not_at_all

from ..scarce import RunsOutAt

OPTIMIZERS = {
    **{name: OptimizerOptions(name=name) for name in ("adamw", "lion", "adafactor", "prodigy", "schedule_free_adamw")},
    "momentum": OptimizerOptions(name="sgd", arguments={"momentum": 0.9}),
    "foreach": OptimizerOptions(arguments={"foreach": True}),
    "an import path": OptimizerOptions(name="torch.optim.RAdam"),
}

ONE_GROUP = "a single kernel"


def groups():
    draw = torch.Generator().manual_seed(1)
    shapes = [[(3, 4), (4, 3)], [(2, 3, 1, 1), (5,)]]
    return [
        {"name": str(n), "params": [torch.nn.Parameter(torch.randn(s, generator=draw)) for s in some], "lr": 0.1 / n}
        for n, some in enumerate(shapes, 1)
    ]


def move(optimizer, step):
    """A move by gradients that follow from the step's number."""
    draw = torch.Generator().manual_seed(step)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.randn(parameter.shape, generator=draw)
    with whole_or_not_at_all(optimizer, alone=True):
        optimizers.step_if(optimizer, torch.tensor(True))


def everything(optimizer):
    """All that a further step depends on."""
    weights = [p.detach().clone() for group in optimizer.param_groups for p in group["params"]]
    tensors, plain = optimizers.optimizer_state(optimizer)
    return {**{str(n): weight for n, weight in enumerate(weights)}, **tensors}, plain


def same(one, other):
    return (
        one[1] == other[1]
        and one[0].keys() == other[0].keys()
        and all(map(torch.equal, *map(dict.values, (one[0], other[0]))))
    )


def made(name):
    if name == "bytes":
        return AdamWBytes(groups())
    if name == ONE_GROUP:
        return optimizers.build(OPTIMIZERS["adamw"], groups()[:1])
    return optimizers.build(OPTIMIZERS[name], groups())


@pytest.mark.parametrize("name", [*OPTIMIZERS, "bytes", ONE_GROUP])
@pytest.mark.parametrize("before", [0, 2], ids=["the first move", "a later move"])
def test_a_move_that_breaks_off_anywhere_leaves_all_as_it_was_and_can_be_done_again(name, before):
    optimizer, undisturbed = made(name), made(name)
    for step in range(before):
        move(optimizer, step)
        move(undisturbed, step)
    as_it_was = everything(optimizer)
    with RunsOutAt() as counting:
        move(undisturbed, before)
    for place in range(1, counting.count + 1):
        with pytest.raises((RuntimeError, MemoryError)), RunsOutAt(place):
            move(optimizer, before)
        assert same(everything(optimizer), as_it_was), place
    move(optimizer, before)
    move(optimizer, before + 1)
    move(undisturbed, before + 1)
    assert same(everything(optimizer), everything(undisturbed))


def test_where_a_single_kernel_moves_all_weights_none_of_them_is_copied(monkeypatch):
    optimizer = made(ONE_GROUP)
    if not optimizer.param_groups[0].get("fused"):
        pytest.skip("this torch has no fused AdamW on a processor")
    move(optimizer, 0)
    clone, copied = torch.Tensor.clone, []
    monkeypatch.setattr(torch.Tensor, "clone", lambda tensor: copied.append(tensor.dim()) or clone(tensor))
    with whole_or_not_at_all(optimizer, alone=True):
        pass
    assert not any(copied)
