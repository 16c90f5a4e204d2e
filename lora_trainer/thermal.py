"""How warm cards and processors are: asked from NVIDIA's driver and from Linux, which both tell without a pause."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

DRIVER = "nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1"
"""The driver's own library: it is there wherever the driver is."""
CHIP = 0
"""The sensor of a card's chip."""
PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Sensors that are a processor's."""


def of_card(uuid: str) -> float | None:
    """Degrees Celsius of NVIDIA's card with that UUID (without its 'GPU-'), or for '' of the only one; else None."""
    try:
        driver = _driver()
        card, degrees = ctypes.c_void_p(), ctypes.c_uint()
        wrong = _find(driver, uuid, card) or driver.nvmlDeviceGetTemperature(card, CHIP, ctypes.byref(degrees))
    except (OSError, AttributeError):  # no driver, or one that does not know this
        return None
    return None if wrong else float(degrees.value)


def of_processor() -> float | None:
    """Degrees Celsius of the processor's warmest part; None where nobody tells."""
    try:
        import psutil

        found = psutil.sensors_temperatures()
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return max((part.current for name in PROCESSORS for part in found.get(name, ()) if part.current > 0), default=None)


def _find(driver: Any, uuid: str, card: ctypes.c_void_p) -> int:
    """Let `card` be the one meant; 0, or what is wrong."""
    if uuid:
        return driver.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}".encode("ascii", "replace"), ctypes.byref(card))
    count = ctypes.c_uint()
    wrong = driver.nvmlDeviceGetCount_v2(ctypes.byref(count)) or count.value != 1  # torch counts in an order of its own
    return int(wrong or driver.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(card)))


@functools.cache
def _driver() -> Any:
    """Raises OSError where there is none."""
    driver = ctypes.CDLL(DRIVER)
    if wrong := driver.nvmlInit_v2():
        raise OSError(f"{DRIVER} cannot be used ({wrong})")
    return driver
