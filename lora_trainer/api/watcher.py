"""One reader on a WebSocket: what it wants to hear, and the telling of it at the pace at which it listens."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ..errors import NotFound
from ..jobs.desk import Desk
from ..sentences import to_json
from .answers import json_text
from .call import Call, Malformed, value_of
from .glances import Glances
from .jobs import events_json
from .state import state_text, state_text_at_hand

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

T = TypeVar("T")

ENDED, TOO_MANY, TOO_SLOW, NOT_UNDERSTOOD, TOO_LARGE = 4401, 4429, 4408, 4400, 1009
"""Codes of a socket that is closed: the sign-in has ended; the visitor has too many; what is told is not read; what
was said is no message; or it is a large one."""
MOST_BYTES = 4096
"""Of a message from the reader."""
PAGE = 500
"""Events in a message. The next is put together when this one has gone: whoever reads slowly costs no memory."""
EVERY, STATE_EVERY, AT_ONCE, BREATH = 0.2, 0.7, 0.05, 0.01
"""Seconds between two looks, between two states, before what was asked for, and between two messages heard."""
LOOK, ALIVE, CHECK, PATIENCE = 2.5, 15.0, 15.0, 30.0
"""Seconds without news after which one looks all the same; without a message; between two checks of who it is; and
for a message to be taken."""


class LookedUp(Protocol):
    """Runs in a thread what may take a while."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


class Closing(Exception):
    """The socket is to be closed with this code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass
class Wish:
    """What the reader wants: a job from the event after its cursor on, and how often."""

    job: str = ""
    feed: str = ""
    after: int = 0
    every: float = EVERY
    anew: bool = False
    """Whether it has just said so: it is answered then, also when there is nothing new."""
    asked: int | None = None
    """The number of its last question for the state that is not answered yet."""


class Watcher:
    """Tells a reader what `/state` and `/jobs/ID/events` would answer, when it changes or is asked for.

    `still` says whether the reader may go on being told.
    """

    def __init__(
        self,
        socket: WebSocket,
        desk: Desk,
        looked_up: LookedUp,
        glances: Glances,
        still: Callable[[], Awaitable[bool]],
    ) -> None:
        self._socket, self._desk, self._looked_up = socket, desk, looked_up
        self._glances, self._still = glances, still
        self._wish = Wish(asked=0)
        self._news = asyncio.Event()
        self._state_at = self._told_at = self._checked_at = time.monotonic()
        self._state, self._stale = b"", True
        self._job: dict[str, Any] | None = None
        self._ends: dict[str, Callable[[], None]] = {}
        self._over = False
        """Python before 3.12 may forget a cancellation that comes as a wait ends; this it cannot."""

    async def run(self) -> int | None:
        """Until the reader goes (None), or with the code to close with."""
        self._ends["jobs"] = self._desk.jobs.news.listen(self._waker())
        sides = [asyncio.ensure_future(side) for side in (self._listen(), self._tell())]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in self._ends.values():
                end()
            self._over = True
            for side in sides:
                side.cancel()
            await asyncio.wait(sides)
        error = next(filter(None, [side.exception() for side in sides if not side.cancelled()]), None)
        if isinstance(error, Closing):
            return error.code
        if error is not None:
            raise error
        return None

    # Hearing

    async def _listen(self) -> None:
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            said = message.get("text") or message.get("bytes") or ""
            if len(said) > MOST_BYTES:
                raise Closing(TOO_LARGE)
            try:
                self._hear(json.loads(said))
            except (ValueError, RecursionError, Malformed):
                raise Closing(NOT_UNDERSTOOD) from None
            self._news.set()
            await asyncio.sleep(BREATH)  # whoever talks without end is heard no faster

    def _hear(self, said: Any) -> None:
        """Take in a message. Raises Malformed."""
        given = said if isinstance(said, dict) else {"message": said}
        if not given.keys() <= {"watch", "feed", "after", "every", "state"}:
            raise Malformed("What is said is none of the messages.")
        wish = self._wish
        every = value_of(given, "every", float, wish.every)
        wish.every = min(30.0, max(0.1, every)) if math.isfinite(every) else EVERY
        if "state" in given:
            wish.asked = value_of(given, "state", int, 0)
        if "watch" in given:
            wish.job, wish.feed = value_of(given, "watch", str, ""), value_of(given, "feed", str, "")
            wish.after, wish.anew = max(0, value_of(given, "after", int, 0)), True

    def _waker(self) -> Callable[[], None]:
        """Called in any thread, however often; the loop hears of it once until it has looked."""
        loop, news = asyncio.get_running_loop(), self._news

        def stirred() -> None:
            self._stale = True
            news.set()

        def wake() -> None:
            if not (news.is_set() and self._stale) and not loop.is_closed():
                loop.call_soon_threadsafe(stirred)

        return wake

    # Telling

    async def _tell(self) -> None:
        while not self._over:
            await self._check()
            await self._tell_state()
            while not self._over and self._wish.job and await self._tell_events():
                pass
            if time.monotonic() - self._told_at >= ALIVE:
                await self._send('{"alive":true}')
            await self._wait()

    async def _wait(self) -> None:
        """Until there is news, but no longer than one looks all the same, and no shorter than the reader wants."""
        wish, looked = self._wish, time.monotonic()
        left = self._state_at + self._state_rest() - looked if self._stale else LOOK
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._news.wait(), max(0.0, min(LOOK, left)))
        rest = wish.every
        while (left := looked + (AT_ONCE if wish.anew or wish.asked is not None else rest) - time.monotonic()) > 0:
            await asyncio.sleep(min(left, AT_ONCE))
        self._news.clear()

    def _state_rest(self) -> float:
        return max(STATE_EVERY, self._wish.every)

    async def _check(self) -> None:
        if time.monotonic() - self._checked_at < CHECK:
            return
        self._checked_at = time.monotonic()
        if not await self._still():
            raise Closing(ENDED)

    async def _tell_state(self) -> None:
        """The state, when it was asked for, or is another than the one told last."""
        wish, now = self._wish, time.monotonic()
        asked, wish.asked = wish.asked, None
        if asked is None and now - self._state_at < (self._state_rest() if self._stale else LOOK):
            return
        self._state_at, self._stale = now, False
        state = await self._state_text()
        if asked is not None or state != self._state:
            self._state = state
            await self._send(f'{{"state":{state.decode("utf-8")},"asked":{json.dumps(asked)}}}')

    async def _state_text(self) -> bytes:
        call = Call(self._desk, {}, {}, glances=self._glances)
        if (found := state_text_at_hand(call)) is not None:
            return found
        return await self._looked_up(lambda: state_text(call))

    async def _tell_events(self) -> bool:
        """What came after the cursor, or that the job is another than told last; whether there may be more."""
        wish = self._wish
        job, query = wish.job, {"feed": wish.feed, "after": str(wish.after), "limit": str(PAGE)}
        anew, wish.anew = wish.anew, False

        def look() -> tuple[dict[str, Any], str]:
            answer = events_json(Call(self._desk, {"id": job}, query))
            news = anew or answer["events"] or answer["job"] != self._job
            return answer, json_text({"told": answer}) if news else ""

        try:
            self._listen_to(job)
            answer, text = await self._looked_up(look)
        except NotFound as error:
            if not wish.anew:
                wish.job = ""
            await self._send(json_text({"error": to_json(error.sentence), "watch": job}))
            return False
        if wish.anew:  # it has said something else meanwhile
            return True
        wish.feed, wish.after, self._job = answer["feed"], answer["next"], answer["job"]
        if text:
            await self._send(text)
        return len(answer["events"]) == PAGE

    def _listen_to(self, job: str) -> None:
        """Be woken by the events of that job and no other. Raises NotFound."""
        feed = self._desk.jobs.get(job).feed
        if feed.id not in self._ends:
            for known in self._ends.keys() - {"jobs"}:
                self._ends.pop(known)()
            self._ends[feed.id] = feed.news.listen(self._waker())

    async def _send(self, text: str) -> None:
        try:
            await asyncio.wait_for(self._socket.send_text(text), PATIENCE)
        except asyncio.TimeoutError:
            raise Closing(TOO_SLOW) from None
        except Exception as error:  # every server has its own way to say that nobody is there any more
            raise Closing(None) from error
        self._told_at = time.monotonic()
