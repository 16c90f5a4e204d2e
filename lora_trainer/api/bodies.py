"""The bodies of requests, taken in with limits: on their size, on the time that they take, and on how many at once.

Not every host's server has such limits, and behind a proxy none knows who sends.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, BinaryIO

from starlette.requests import Request

from ..sentences import Sentence
from ..visitor import Visitor
from .call import JSON_LIMIT
from .errors import Refused

SPOOL, PIECE = 8 * 2**20, 2**20
"""Bytes of a body that stay in memory, and that are written at once."""
SILENT_SECONDS = 30.0
"""Nobody who sends a body may be silent for longer."""
GRACE, LEAST_RATE = 20.0, 500.0
"""After the first seconds, a body must have come at so many bytes a second."""
MOST, MOST_EACH = 48, 16
"""Large bodies at a time: of all visitors, and of one who has a name. Each may hold SPOOL bytes of memory."""


class Bodies:
    """The bodies that are on their way to one server."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._open = Counter[str]()

    async def small(self, request: Request) -> bytes:
        """One that has no business to be large. Raises Refused."""
        body = bytearray()
        async for piece in _pieces(request, JSON_LIMIT):
            body += piece
        return bytes(body)

    async def as_file(self, request: Request, visitor: Visitor, limit: int) -> BinaryIO:
        """One of at most `limit` bytes, in a file that vanishes when it is closed. Raises Refused."""
        with self._counted(visitor.name):
            loop = asyncio.get_running_loop()
            file: Any = tempfile.SpooledTemporaryFile(SPOOL)  # noqa: SIM115  closed by the caller
            try:
                pending = bytearray()
                async for piece in _pieces(request, limit):
                    pending += piece
                    if len(pending) >= PIECE:
                        await loop.run_in_executor(self._pool, file.write, bytes(pending))
                        pending.clear()
                file.write(pending)
                file.seek(0)
            except BaseException:
                file.close()
                raise
            return file

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        """Only ever entered and left by the one thread of the server's loop."""
        if self._open.total() >= MOST or (name and self._open[name] >= MOST_EACH):
            sentence = "Too many files are being uploaded at this moment: try again in a few seconds."
            raise Refused(Sentence("bodies_many", sentence), 429, {"Retry-After": "2"})
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]


async def _pieces(request: Request, limit: int) -> AsyncIterator[bytes]:
    """A body as it comes. Raises Refused for one that is too large, as soon as that is known, or comes too slowly."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdecimal() and int(said[:20]) > limit:
        raise _too_large(limit)
    stream, began, size = request.stream().__aiter__(), time.monotonic(), 0
    while True:
        try:
            piece = await asyncio.wait_for(stream.__anext__(), SILENT_SECONDS)
        except StopAsyncIteration:
            return
        except asyncio.TimeoutError:
            raise _too_slow() from None
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if (seconds := time.monotonic() - began) > GRACE and size < (seconds - GRACE) * LEAST_RATE:
            raise _too_slow()
        yield piece


def _too_large(limit: int) -> Refused:
    return Refused(Sentence("too_large", "The request holds more than {limit} MB.", limit=limit // 2**20), 413)


def _too_slow() -> Refused:
    sentence = "The request came too slowly and was given up: send it again."
    return Refused(Sentence("too_slow", sentence), 408, {"Connection": "close"})
