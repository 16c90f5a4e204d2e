"""How warm a device is, where somebody tells: of a card its driver, of the processor the system (Linux does)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import driver

if TYPE_CHECKING:
    import torch

PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Sensors that are a processor's."""


def temperature(device: torch.device) -> float | None:
    """Degrees Celsius of NVIDIA's card, or of the processor; None where nobody tells."""
    if device.type == "cuda":
        return driver.card_temperature(driver.uuid_of(device))
    return _of_processor() if device.type == "cpu" else None


def _of_processor() -> float | None:
    """Degrees Celsius of the processor's warmest part; None where nobody tells."""
    try:
        import psutil

        found = psutil.sensors_temperatures()
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return max((part.current for name in PROCESSORS for part in found.get(name, ()) if part.current > 0), default=None)
