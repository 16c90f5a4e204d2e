"""Work that is done in portions, which become smaller whenever memory runs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .devices import is_out_of_memory

T = TypeVar("T")

MAY_RUN_OUT = (RuntimeError, MemoryError)
"""The types of which `is_out_of_memory` picks those that say so; torch's own is a RuntimeError."""


class Portions:
    """How many of something are worked on at a time. `most` is 0 for all of them, and is halved for good when need be.

    `release` gives cached memory back to the device.
    """

    def __init__(self, release: Callable[[], None] = lambda: None) -> None:
        self.most = 0
        self._release = release

    def map(self, work: Callable[[slice], T], count: int) -> list[T]:
        """What `work` gives for consecutive parts of 0..count, each tried with less where memory runs out.

        A single one is tried twice; then the error is raised.
        """
        done: list[T] = []
        start, alone = 0, 0
        while start < count:
            size = min(self.most or count, count - start)
            try:
                done.append(work(slice(start, start + size)))
                start, alone = start + size, 0
                continue
            except MAY_RUN_OUT as error:
                alone += size == 1
                if not is_out_of_memory(error) or alone == 2:
                    raise
            # Only here is the error gone, and with it the frames that held the memory.
            self._release()
            self.most = halved(size) if size > 1 else self.most
        return done


def once_more(work: Callable[[], T], release: Callable[[], None]) -> T:
    """What `work` gives; where memory runs out, what it gives at a second try, after `release`."""
    try:
        return work()
    except MAY_RUN_OUT as error:
        if not is_out_of_memory(error):
            raise
    release()
    return work()


def halved(size: int) -> int:
    """Half of `size`, rounded up: at least 1."""
    return -(-size // 2)


def parts(count: int, most: int) -> list[slice]:
    """0..count in parts of at most `most`; `most` 0: in one."""
    size = most or count
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def in_words(count: int, most: int) -> str:
    """How `count` are taken in parts of at most `most`: '2 x 2', or '2 x 2 + 1' where they do not divide."""
    whole, rest = divmod(count, most)
    return f"{whole} x {most}" + (f" + {rest}" if rest else "")
