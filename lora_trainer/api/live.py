"""The WebSocket `/live`: what `/state` and `/jobs/ID/events` answer, told as it happens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from starlette.websockets import WebSocket

from ..errors import UserError
from ..jobs.desk import Desk
from ..visitor import Visitor
from .gate import Guard, require_same_site, visitor_of
from .glances import Glances
from .watcher import TOO_MANY, Watcher

log = logging.getLogger(__name__)
T = TypeVar("T")

THREADS = 2
MOST, MOST_EACH = 200, 24
"""Sockets at a time: of all visitors, and of one who has a name."""
TICKET_LASTS = 30 * 60.0
"""Seconds after which a socket that a ticket opened asks for another one: nothing else says that its visitor is one."""


class Live:
    """All sockets of a server; they share a few threads, and none of them holds one while it waits."""

    def __init__(self, desk: Desk, guard: Guard | None, glances: Glances) -> None:
        self._desk, self._guard, self._glances = desk, guard, glances
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="train-lora live")
        self._open = Counter[Visitor]()

    async def endpoint(self, socket: WebSocket) -> None:
        """Let a visitor in and tell them what happens until they go. Whoever is refused gets status 403."""
        try:
            require_same_site(socket)
            visitor = await visitor_of(socket, self._guard, self._desk.tickets)
        except UserError:
            await socket.close(1008)
            return
        await socket.accept()
        code = await self._told(socket, visitor)
        if code is not None:
            with suppress(RuntimeError, OSError):  # the other side may have closed it meanwhile
                await socket.close(code)

    async def _told(self, socket: WebSocket, visitor: Visitor) -> int | None:
        """The code to close with; None where the visitor has gone."""
        if self._open.total() >= MOST or (visitor.name and self._open[visitor] >= MOST_EACH):
            return TOO_MANY
        self._open[visitor] += 1
        try:
            desk = self._desk.seen_by(visitor)
            return await Watcher(socket, desk, self._looked_up, self._glances, self._still(socket, visitor)).run()
        except Exception:
            log.exception("A socket broke off.")
            return 1011
        finally:
            self._open[visitor] -= 1
            if not self._open[visitor]:
                del self._open[visitor]

    async def _looked_up(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _still(self, socket: WebSocket, visitor: Visitor) -> Callable[[], Awaitable[bool]]:
        """Asks whether the visitor would be let in again as who they were."""
        begun, by_ticket = time.monotonic(), "ticket" in socket.query_params

        async def still() -> bool:
            if by_ticket:
                return time.monotonic() - begun < TICKET_LASTS
            try:
                return await visitor_of(socket, self._guard) == visitor
            except UserError:
                return False

        return still
