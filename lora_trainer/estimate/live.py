"""How many bytes of tensors are alive, at the moment and at the most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

TOLERANCE = 0.01
"""Who is gone is looked for again after so much more of the peak was made: each time for all costs minutes."""


class LiveBytes(TorchDispatchMode):
    """Inside, storages are counted from the operation that makes them until nobody holds them any more.

    `known` are tensors that were there before: neither they nor views of them count. `most` may be too large by
    TOLERANCE.
    """

    def __init__(self, known: Iterable[torch.Tensor] = ()) -> None:
        super().__init__()
        self.most = 0
        self._known = {tensor.untyped_storage()._cdata for tensor in known}
        self._held: dict[int, tuple[StorageWeakRef, int]] = {}
        self._bytes = self._new = 0

    @property
    def now(self) -> int:
        self._forget_gone()
        return self._bytes

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return out

    def _count(self, storage: Any) -> None:
        key = storage._cdata  # of one that is gone it is not given away again as long as there is a weak reference
        if key in self._known or key in self._held:
            return
        size = storage.nbytes()
        self._held[key] = StorageWeakRef(storage), size
        self._bytes += size
        self._new += size
        if self._bytes > self.most and self._new > TOLERANCE * self.most:
            self._forget_gone()
        self.most = max(self.most, self._bytes)

    def _forget_gone(self) -> None:
        for key in [key for key, (reference, _) in self._held.items() if reference.expired()]:
            self._bytes -= self._held.pop(key)[1]
        self._new = 0
