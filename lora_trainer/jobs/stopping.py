"""The host's own Interrupt button while something of ours has the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..host.base import Host


@contextmanager
def interrupts_mean(host: Host, action: Callable[[], None]) -> Iterator[None]:
    """Inside, the host's Interrupt means `action`, where the host has one."""
    interruptible = hasattr(host, "on_interrupt")
    if interruptible:
        host.on_interrupt = action  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if interruptible:
            host.on_interrupt = None  # type: ignore[attr-defined]
