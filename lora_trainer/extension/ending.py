"""The end of a WebUI: what runs keeps how far it came, and notices that are on their way come through.

A WebUI ends in several ways. Its own handler of Ctrl+C ends the process on the spot, so ours comes before it; a stop by
its API lets Python end in good order. Reload UI is no end: the desk and its jobs live on. When the WebUI kills itself
to restart, nobody is asked: the run goes on from its last state.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

SECONDS = 30.0
"""Within these a run must come to a step and write its state."""
SIGNALS = ("SIGINT", "SIGTERM")

log = logging.getLogger(__name__)


def close_at_end(close: Callable[[float], None]) -> None:
    """Call `close` with SECONDS once, however this process ends, as far as that can be told."""
    closing = _Closing(close)
    atexit.register(closing.now)
    if threading.current_thread() is threading.main_thread():
        _come_before_all(closing)
        return
    # Forge starts its page in a thread, and lets its main one, where alone handlers may be set, do what it is asked.
    forge: Any = sys.modules.get("modules_forge.main_thread")
    if hasattr(forge, "async_run"):
        forge.async_run(_come_before_all, closing)


def _come_before_all(closing: _Closing) -> None:
    for name in SIGNALS:
        closing.come_before(getattr(signal, name))


class _Closing:
    """Closes at the first call, and hands signals on to whoever handled them before."""

    def __init__(self, close: Callable[[float], None]) -> None:
        self._close, self._begun = close, False

    def now(self) -> None:
        if self._begun:
            return
        self._begun = True
        try:
            self._close(SECONDS)
        except Exception:  # the WebUI ends, whatever we could not do
            log.exception("Train LoRA could not end in good order.")

    def come_before(self, number: int) -> None:
        """Take the place of the handler of a signal; it is called after us, and at once by a second signal."""
        before: Any = signal.getsignal(number)
        if before is None or before == signal.SIG_IGN:
            return

        def handler(number: int, frame: FrameType | None) -> None:
            if not self._begun:
                with contextlib.suppress(RuntimeError):  # it came in the middle of another print
                    print("Train LoRA keeps how far its run came; once more ends at once.", flush=True)
            try:
                self.now()
            finally:
                signal.signal(number, before)
                if callable(before):
                    before(number, frame)
                else:
                    signal.raise_signal(number)

        signal.signal(number, handler)
