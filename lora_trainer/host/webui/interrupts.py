"""The host's Interrupt button: it stops the run while the run has the model, and a picture while that is drawn."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

RELOAD_UI = "request_restart"
"""The host's function behind 'Reload UI': it interrupts first, and means the page alone."""


@contextmanager
def watched(state: Any, wish: Callable[[], None]) -> Iterator[None]:
    """Inside, the host's `state.interrupt()` calls `wish`, unless 'Reload UI' called it, which then does nothing.

    Only who calls tells the two apart: both set the same flag, and buttons hold methods bound before this. What was
    pressed inside is over afterwards, as it is after a picture.
    """
    before = vars(state).get("interrupt")

    def interrupt() -> None:
        if sys._getframe(1).f_code.co_name == RELOAD_UI:
            return
        wish()
        type(state).interrupt(state)

    state.interrupt = interrupt
    try:
        yield
    finally:
        if before is None:
            vars(state).pop("interrupt", None)
        else:
            state.interrupt = before
        state.interrupted = state.stopping_generation = state.skipped = False


def heed_flags(state: Any, wish: Callable[[], None]) -> None:
    """Call `wish` where a flag was set past the method, as 'interrupt after the current picture' does; clear it."""
    if state.interrupted or state.stopping_generation:
        state.interrupted = state.stopping_generation = False
        wish()
