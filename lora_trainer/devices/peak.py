"""The most memory that is in use during some work."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from .memory import memory_of, release_memory, resident_bytes

if TYPE_CHECKING:
    import torch

EXACT, SAMPLED = "exact", "sampled"
"""How a peak is known: from the driver or the system; from looking every few milliseconds."""
LOOK_EVERY = 0.005
"""Seconds between two looks at a process's size."""


class Peak:
    """The most memory that is in use while this is entered: of the device by everybody, or on a CPU by this process.

    `bytes` is readable inside and afterwards, 0 where nobody tells; `how` says how far it may be trusted.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.bytes, self.how = 0, EXACT
        self._others = 0
        self._done: threading.Event | None = None

    def __enter__(self) -> Peak:
        import torch

        release_memory(self._device)
        kind = self._device.type
        if kind in ("cuda", "xpu"):
            module = getattr(torch, kind)
            free, total = memory_of(self._device)
            self._others = max(0, total - free - module.memory_reserved(self._device))
            module.reset_peak_memory_stats(self._device)
        elif kind == "mps" or not _forget_peak():
            self.how, self._done = SAMPLED, threading.Event()
            threading.Thread(target=self._watch, args=(self._done,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.look()
        if self._done is not None:
            self._done.set()

    def look(self) -> int:
        """The peak so far."""
        import torch

        kind = self._device.type
        if kind in ("cuda", "xpu"):
            now = self._others + int(getattr(torch, kind).max_memory_reserved(self._device))
        elif kind == "mps":
            now = int(torch.mps.driver_allocated_memory())
        else:
            now = _largest_resident_bytes() if self.how == EXACT else resident_bytes()
        self.bytes = max(self.bytes, now)
        return self.bytes

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(LOOK_EVERY):
            self.look()


def _forget_peak() -> bool:
    """Let the largest resident size be counted from now on; False where the system cannot (Linux alone can)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return _largest_resident_bytes() > 0
    return False


def _largest_resident_bytes() -> int:
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
    return 0
