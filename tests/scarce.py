"""Memory that runs out where a test wants it to."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

MESSAGES = ("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes.", "CUDA out of memory.")


def out_of_memory(number: int = 0) -> Exception:
    """What one of the allocators raises."""
    kinds = (RuntimeError(MESSAGES[0]), torch.cuda.OutOfMemoryError(MESSAGES[1]), MemoryError())
    return kinds[number % len(kinds)]


TAKE_NONE = ("aten::_foreach_sub_", "profiler::_record_function_enter_new", "profiler::_record_function_exit")
"""They cannot run out of memory: counters changed in place once a fused kernel has moved weights, and notes of time."""


class RunsOutAt(TorchDispatchMode):
    """Raises at operation number `place` (from 1), of all that might take memory; `count` is how many there were."""

    def __init__(self, place: int = 0) -> None:
        super().__init__()
        self.place, self.count = place, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func._schema.name not in TAKE_NONE
        if self.count == self.place and func._schema.name not in TAKE_NONE:
            raise out_of_memory(self.place)
        return func(*args, **(kwargs or {}))


class RoomFor:
    """In place of a function of n things: raises where more than `most` come at a time. `sizes` are what came."""

    def __init__(self, function: Any, most: int) -> None:
        self.function, self.most = function, most
        self.sizes: list[int] = []

    def __call__(self, first: Any, *more: Any, **named: Any) -> Any:
        self.sizes.append(len(first))
        if len(first) > self.most:
            raise out_of_memory(len(self.sizes))
        return self.function(first, *more, **named)
