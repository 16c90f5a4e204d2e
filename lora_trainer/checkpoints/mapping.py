"""A file's bytes as tensors without reading them: the system brings pages in when they are used."""

from __future__ import annotations

import bisect
import mmap
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

WINDOW = 1 << 28  # bytes


class MappedFile:
    """Maps a file in windows of about 256 MiB, each as long as a tensor lies in it (and until the next is needed).

    A single mapping of all would keep every page that was ever read, beside the copies of those tensors that are
    wanted in another dtype; a mapping for each tensor would need a file handle for each.
    """

    def __init__(self, path: Path, places: Iterable[tuple[int, int]]) -> None:
        """`places`: (begin, end) of everything that will be asked for; none is cut by a window's border."""
        self._file = path.open("rb")
        self._lock = threading.Lock()
        self._windows = _windows(sorted(places))
        self._begins = [begin for begin, _ in self._windows]
        self._mapped: weakref.WeakValueDictionary[int, mmap.mmap] = weakref.WeakValueDictionary()
        self._newest: mmap.mmap | None = None

    def bytes(self, begin: int, end: int) -> Tensor:
        """A tensor of uint8 over these bytes; writing to it (nobody does) would not reach the file."""
        if begin == end:
            return torch.empty(0, dtype=torch.uint8)
        with self._lock:
            index = bisect.bisect_right(self._begins, begin) - 1
            mapped = self._mapped.get(index) or self._map(index)
            return torch.frombuffer(mapped, dtype=torch.uint8, count=end - begin, offset=begin - self._begins[index])

    def _map(self, index: int) -> mmap.mmap:
        begin, end = self._windows[index]
        self._newest = mmap.mmap(self._file.fileno(), end - begin, access=mmap.ACCESS_COPY, offset=begin)
        self._mapped[index] = self._newest
        return self._newest

    def close(self) -> None:
        """Tensors that were given out stay good."""
        self._newest = None
        self._file.close()


def _windows(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """(begin, end) of windows over these places in their order, beginning where the system allows it."""
    windows: list[tuple[int, int]] = []
    for begin, end in places:
        if windows and end - windows[-1][0] <= WINDOW:
            windows[-1] = (windows[-1][0], max(end, windows[-1][1]))
        else:
            windows.append((begin // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY, end))
    return windows
