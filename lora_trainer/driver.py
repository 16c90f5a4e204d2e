"""What NVIDIA's driver says of a card, asked without taking memory on it as torch would."""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import Any

LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def card_memory(uuid: str) -> tuple[int, int] | None:
    """(free, total) bytes of the card of that name ('GPU-...'); None where there is no such driver or card."""
    try:
        library = _library()
        if library is None:
            return None
        handle, memory = ctypes.c_void_p(), _Memory()
        found = library.nvmlDeviceGetHandleByUUID(uuid.encode("ascii"), ctypes.byref(handle))
        if found or library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)):
            return None
    except (OSError, AttributeError, ValueError):  # another driver than those that there are today
        return None
    return int(memory.free), int(memory.total)


@lru_cache(maxsize=1)
def _library() -> Any:
    """The driver's library, begun; None where there is none."""
    try:
        library = ctypes.CDLL(LIBRARY)
        return library if library.nvmlInit_v2() == 0 else None
    except (OSError, AttributeError):
        return None
