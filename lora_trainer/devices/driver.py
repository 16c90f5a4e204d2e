"""What NVIDIA's driver says of a card: its memory, without taking any of it as torch would, and how warm it is.

The driver's own library is asked, which is there wherever the driver is.
"""

from __future__ import annotations

import ctypes
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LIBRARY = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
CHIP = 0
"""The sensor of a card's chip."""
UNKNOWN = (OSError, AttributeError, ValueError)
"""No driver, or another one than those that there are today."""


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def card_memory(uuid: str) -> tuple[int, int] | None:
    """(free, total) bytes of the card of that UUID (without its 'GPU-'); None where there is no such driver or card."""
    try:
        library, card, memory = _library(), ctypes.c_void_p(), _Memory()
        wrong = _find(library, uuid, card) or library.nvmlDeviceGetMemoryInfo(card, ctypes.byref(memory))
    except UNKNOWN:
        return None
    return None if wrong else (int(memory.free), int(memory.total))


def card_temperature(uuid: str) -> float | None:
    """Degrees Celsius of the card of that UUID, or for '' of the only one; None where nobody tells."""
    try:
        library, card, degrees = _library(), ctypes.c_void_p(), ctypes.c_uint()
        wrong = _find(library, uuid, card) or library.nvmlDeviceGetTemperature(card, CHIP, ctypes.byref(degrees))
    except UNKNOWN:
        return None
    return None if wrong else float(degrees.value)


def uuid_of(card: torch.device) -> str:
    """By which the driver knows a card; empty for a torch that does not tell."""
    import torch

    return str(getattr(torch.cuda.get_device_properties(card), "uuid", ""))


def _find(library: Any, uuid: str, card: ctypes.c_void_p) -> int:
    """Let `card` be the one meant; 0, or what is wrong. torch numbers cards in an order of its own."""
    if uuid:
        return int(library.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode("ascii", "replace"), ctypes.byref(card)))
    count = ctypes.c_uint()
    wrong = library.nvmlDeviceGetCount_v2(ctypes.byref(count)) or count.value != 1
    return int(wrong or library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(card)))


@lru_cache(maxsize=1)
def _library() -> Any:
    """Raises OSError where there is none."""
    library = ctypes.CDLL(LIBRARY)
    if wrong := library.nvmlInit_v2():
        raise OSError(f"{LIBRARY} cannot be used ({wrong})")
    return library
