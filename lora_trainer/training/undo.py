"""An optimizer's move that is done wholly or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch._utils import _flatten_dense_tensors, _unflatten_dense_tensors

from ..devices import is_out_of_memory
from ..portions import MAY_RUN_OUT


@contextmanager
def whole_or_not_at_all(optimizer: torch.optim.Optimizer, *, alone: bool = False) -> Iterator[None]:
    """Inside, the optimizer moves. Should that break off, weights and its state are as they were before, to the bit.

    A copy of both is kept meanwhile. Activations are gone by then, so that this is hardly ever where a step needs most
    memory; and whatever the optimizer, the step can be taken again without moving anything twice. Where nothing but the
    move is done inside (`alone`) and a single kernel makes it, there is nothing to take back but counters.
    """
    before = _Copy(optimizer, counters_only=alone and moves_at_once(optimizer))
    try:
        yield
    except BaseException:
        before.restore()
        raise


def moves_at_once(optimizer: torch.optim.Optimizer) -> bool:
    """Whether all weights are moved by one fused kernel; neither it nor what follows takes any memory."""
    return len(optimizer.param_groups) == 1 and bool(optimizer.param_groups[0].get("fused"))


class _Copy:
    """The weights of an optimizer, its state and its groups' values, as they are now."""

    def __init__(self, optimizer: torch.optim.Optimizer, *, counters_only: bool) -> None:
        self._optimizer = optimizer
        self._groups = [
            {name: _kept(value) for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups
        ]
        self._states = {
            parameter: {name: _kept(value) for name, value in state.items()}
            for parameter, state in optimizer.state.items()
        }
        weights = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        values = [value for table in (*self._groups, *self._states.values()) for value in table.values()]
        tensors = [*weights, *filter(torch.is_tensor, values)]
        self._tensors = _Contents([tensor for tensor in tensors if not (counters_only and tensor.dim())])

    def restore(self) -> None:
        """Nothing here needs memory on the device."""
        for group, values in zip(self._optimizer.param_groups, self._groups):
            group.update(values)
        self._optimizer.state.clear()
        self._optimizer.state.update(self._states)
        self._tensors.restore()


class _Contents:
    """The contents of many tensors."""

    @torch.no_grad()
    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        alike: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = defaultdict(list)
        for tensor in tensors:
            alike[tensor.dtype, tensor.device].append(tensor)
        self._pairs = [pair for members in alike.values() for pair in zip(members, _copies(members))]

    @torch.no_grad()
    def restore(self) -> None:
        for tensor, content in self._pairs:
            tensor.copy_(content)


def _copies(tensors: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    """Of tensors of one number format on one device: on an accelerator as views of one, by one launch, not hundreds.

    Where there is no room for that, on the CPU.
    """
    if tensors[0].device.type == "cpu":  # a large piece of fresh memory costs more there than many small ones
        return [tensor.clone() for tensor in tensors]
    try:
        return _unflatten_dense_tensors(_flatten_dense_tensors(tensors), tensors)
    except MAY_RUN_OUT as error:
        if not is_out_of_memory(error):
            raise
    return [tensor.cpu() for tensor in tensors]


def _kept(value: Any) -> Any:
    """Tensors themselves, whose content is kept apart; copies of what an optimizer might change in place."""
    return value if torch.is_tensor(value) else deepcopy(value)
