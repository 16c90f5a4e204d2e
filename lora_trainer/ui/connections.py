"""Connections that keep nobody waiting: whoever sends or takes too slowly is let go, and nobody holds too many.

uvicorn itself has no limit on the time that a request takes to come in, nor on the time that an answer takes to go out.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Container
from typing import Any

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LOOK_EVERY = 2.0
"""Seconds between two looks at a connection."""
HEAD_SECONDS = 20.0
"""From the end of an answer (or from the beginning) until the next request is there, apart from its body."""
IDLE_SECONDS = 15
"""As long of that may pass without a single byte."""
HEAD_BYTES = 32 * 2**10
GRACE, LEAST_RATE = 20.0, 500.0
"""A body must come at so many bytes a second, after the first seconds; time in which nobody asks for it is free."""
REST_SECONDS = 5.0
"""For what somebody goes on sending who has got the answer already: broken off earlier, they might not read it."""
STALLED_SECONDS, STALLED_BEHIND = 60.0, 600.0
"""Within these, whoever gets an answer must take the next bit of it. A proxy takes nothing as long as its own buffers
hold megabytes for a slow client.
"""
BIT, UNSENT = 64 * 2**10, 128 * 2**10
"""Bytes of an answer that are handed on at once, and that the system keeps of what cannot go out yet (where it can be
told so): whatever a slow client takes is seen soon, while megabytes that are on their way would look like a standstill.
"""
CONNECTIONS, OF_ONE_ADDRESS = 400, 100
"""How many there may be at a time: beyond the first number requests are answered with 503."""
MESSAGE_BYTES = 64 * 2**10
"""The largest message that a WebSocket may send."""


class Connection(H11Protocol):
    """One connection, looked at from time to time: each of its phases must come to an end in time."""

    proxies: Container[str] = ()
    """Addresses that speak for many, and may have any number of connections."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._phase: tuple[str, Any] = ("", None)
        self._since, self._bytes, self._paused, self._lost = 0.0, 0, 0, False
        _keep_little(transport.get_extra_info("socket"))
        address = self.client[0] if self.client else ""
        same = sum(bool(other.client and other.client[0] == address) for other in self.connections)  # type: ignore[union-attr]
        self._for_many = address in self.proxies
        if not self._for_many and same > OF_ONE_ADDRESS:
            transport.abort()
            return
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bytes += len(data)
        super().data_received(data)

    def pause_writing(self) -> None:
        self._paused += 1
        super().pause_writing()

    def _look(self) -> None:
        """Break off when the phase has lasted too long; otherwise look again soon."""
        if self._lost or self.transport.get_protocol() is not self:  # it became a WebSocket
            return
        now, phase = self.loop.time(), self._now()
        if phase != self._phase:
            self._phase, self._since, self._bytes = phase, now, 0
        elif self._is_late(now - self._since):
            self.transport.abort()
            return
        elif phase[0] == "body" and self.flow.read_paused:
            self._since += LOOK_EVERY
        self.loop.call_later(LOOK_EVERY, self._look)

    def _now(self) -> tuple[str, Any]:
        """The phase, and what makes it another one of the same kind."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if (left := self.transport.get_write_buffer_size()) or self.flow.write_paused:
            return "answer", (self._paused, left)
        if self.conn.their_state is h11.SEND_BODY:
            return ("body" if answering else "rest"), self.cycle
        return ("work" if answering else "head"), self.cycle

    def _is_late(self, seconds: float) -> bool:
        name = self._phase[0]
        if name == "head":
            return seconds > HEAD_SECONDS
        if name == "rest":
            return seconds > REST_SECONDS
        if name == "body":
            return seconds > GRACE + self._bytes / LEAST_RATE
        return name == "answer" and seconds > (STALLED_BEHIND if self._for_many else STALLED_SECONDS)


def considerate(app: ASGIApp) -> ASGIApp:
    """The same answers for slow clients: in bits that wait until there is room, and hearing out who still sends."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        sends = _is_closed_after(scope)

        async def receiving() -> Message:
            nonlocal sends
            message = await receive()
            sends = sends and message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def hear_out() -> None:
            while sends:
                await receiving()

        async def sending(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            body, more = memoryview(message.get("body", b"")), message.get("more_body", False)
            while len(body) > BIT or (body and sends and not more):
                await send({**message, "body": bytes(body[:BIT]), "more_body": True})
                body = body[BIT:]
            if sends and not more:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(hear_out(), REST_SECONDS)
            await send({**message, "body": bytes(body)})

        await app(scope, receiving, sending)

    return application


def _is_closed_after(scope: Scope) -> bool:
    """Whether a request has a body, and its connection is closed after the answer.

    Closed while bytes still come in, a system may take back what has not been read of the answer.
    """
    names = {name: value.lower() for name, value in scope.get("headers", ())} if scope["type"] == "http" else {}
    return names.get(b"connection") == b"close" and bool({b"content-length", b"transfer-encoding"} & set(names))


def _keep_little(connection: socket.socket | None) -> None:
    with contextlib.suppress(OSError, AttributeError):  # a system without it keeps as much as it likes
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)  # type: ignore[union-attr]


def settings(proxies: Container[str]) -> dict[str, Any]:
    """What uvicorn is told of all this."""
    kind = type("Connection", (Connection,), {"proxies": proxies})
    return {
        "http": kind,
        "timeout_keep_alive": IDLE_SECONDS,
        "h11_max_incomplete_event_size": HEAD_BYTES,
        "limit_concurrency": CONNECTIONS,
        "ws_max_size": MESSAGE_BYTES,
    }
