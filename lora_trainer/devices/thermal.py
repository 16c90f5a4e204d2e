"""How warm the processor is, where the system tells (Linux does)."""

from __future__ import annotations

PROCESSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
"""Sensors that are a processor's."""


def of_processor() -> float | None:
    """Degrees Celsius of the processor's warmest part; None where nobody tells."""
    try:
        import psutil

        found = psutil.sensors_temperatures()
    except (ImportError, AttributeError, OSError, ValueError):
        return None
    return max((part.current for name in PROCESSORS for part in found.get(name, ()) if part.current > 0), default=None)
