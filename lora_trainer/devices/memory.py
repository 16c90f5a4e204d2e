"""How much memory a device has and uses, giving it back, and knowing when it has run out."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import driver

if TYPE_CHECKING:
    import torch


def memory_of(device: torch.device) -> tuple[int, int]:
    """(free, total) bytes of the device, or of the machine on a CPU; zeros where nobody tells."""
    import torch

    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return int(free), int(total)
    if device.type == "xpu":
        total = int(torch.xpu.get_device_properties(device).total_memory)
        return total - int(torch.xpu.memory_reserved(device)), total
    with contextlib.suppress(ImportError):
        import psutil

        machine = psutil.virtual_memory()  # Apple's GPUs share it
        return int(machine.available), int(machine.total)
    return 0, 0


def memory_beside(name: str) -> tuple[int, int]:
    """As `memory_of`, of the device of that full name, which others use: nothing is taken of it where that can be."""
    import torch

    device = torch.device(name)
    if device.type == "cuda" and (uuid := driver.uuid_of(device)):
        return driver.card_memory(uuid) or memory_of(device)
    return memory_of(device)


def card_memory(device: torch.device) -> int:
    """Bytes that a card has; 0 where the device is none, or does not tell."""
    import torch

    if device.type in ("cuda", "xpu"):
        return int(getattr(torch, device.type).get_device_properties(device).total_memory)
    return 0


def used_memory(device: torch.device) -> int:
    """Bytes in use: the peak that torch reserved on a card, or the process's resident size on a CPU."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    return resident_bytes()


def resident_bytes() -> int:
    """Resident size of this process; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError, ImportError):
        import resource

        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    with contextlib.suppress(ImportError):
        import psutil

        return psutil.Process().memory_info().rss
    return 0


def release_memory(device: torch.device) -> None:
    """Give cached memory back to the system, so that others on the device can have it."""
    import gc

    import torch

    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "xpu":
        torch.xpu.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux":
        _trim_heap()


def _trim_heap() -> None:
    """Let glibc return freed heap pages; other C libraries do not have (or need) this."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
"""As accelerators, Linux, Windows and CUDA's libraries say it."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on any device."""
    import torch

    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(said in words for said in MEMORY_WORDS)
