"""Keeps the machine from going to sleep while something runs that nobody watches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

log = logging.getLogger(__name__)


@contextmanager
def awake() -> Iterator[None]:
    """Inside the block the machine does not fall asleep of itself; its screen may. Without the means nothing happens."""
    with ExitStack() as held:
        try:
            from wakepy import keep

            held.enter_context(keep.running(on_fail="pass"))
        except Exception as error:  # noqa: BLE001  of some service of the system: sleep is all that follows
            log.info("The machine cannot be kept from sleeping: %s", error)
        yield
