"""Keeps the machine from going to sleep while something runs that nobody watches."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .. import packages

log = logging.getLogger(__name__)


@contextmanager
def awake() -> Iterator[None]:
    """Inside the block the machine does not fall asleep by itself, as far as it lets us. Its screen may."""
    with ExitStack() as held:
        try:
            held.enter_context(packages.wakepy().keep.running(on_fail="pass"))
        except Exception as error:  # noqa: BLE001  a service of the system may fail
            log.info("The machine cannot be kept from sleeping: %s", error)
        yield
