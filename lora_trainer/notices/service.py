"""Notices are handed in here; they go out in a thread of their own, again and again for a while where need be."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..sentences import Sentence, to_json
from .channel import CHANNELS, Undelivered
from .notice import Notice, trial
from .reach import Reach
from .settings import Channel, Settings

log = logging.getLogger(__name__)

LIMIT = 30.0
"""Seconds that one delivery may take in all; after that it is left to itself."""
WAITS = (10.0, 60.0, 300.0, 1200.0)
"""Seconds before each further try."""
MOST_PENDING, RECENT = 200, 8

Due = tuple[float, int, int, Channel | None, Notice]
"""When (monotonic), a number that keeps the order, how many tries there were, and what goes where; None: everywhere."""


class Notices:
    """The channels in `settings`, and what is on its way to them. `tell` never raises and never waits."""

    def __init__(self, folder: Path, *, waits: Sequence[float] = WAITS, limit: float = LIMIT) -> None:
        self.settings = Settings(folder)
        self._waits, self._limit = waits, limit
        self._recent: deque[Notice] = deque(maxlen=RECENT)
        self._due: list[Due] = []
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None
        self._numbers, self._busy = itertools.count(), False
        self._ending = self._closed = False
        self._trial = threading.Lock()

    @property
    def recent(self) -> list[Notice]:
        """The newest notices of this program, oldest first: a browser that looks on shows them itself."""
        with self._news:
            return list(self._recent)

    def tell(self, notice: Notice) -> None:
        """Send a notice to every channel that tells its occasion."""
        with self._news:
            self._recent.append(notice)
        self._put(time.monotonic(), 0, None, notice)

    def test(self, channel_id: str) -> dict[str, Any]:
        """Deliver a test now, in one try, and give how it went. Raises NotFound, UserError while another one is on."""
        channel = self.settings.get(channel_id)
        if not self._trial.acquire(blocking=False):
            raise UserError(Sentence("notice_test_on", "Another test is under way: wait for its end."))
        try:
            notice = trial()
            return self._note(channel, notice, self._attempt(channel, notice))
        finally:
            self._trial.release()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is on its way or waits for another try; whether that came."""
        with self._news:
            return self._news.wait_for(lambda: not self._due and not self._busy, seconds)

    def close(self, seconds: float = 3.0) -> None:
        """Let what is on its way come through, and begin nothing more: the program is about to end."""
        with self._news:
            self._ending = True
            self._due = [one for one in self._due if one[2] == 0]
            heapq.heapify(self._due)
        self.wait(seconds)
        with self._news:
            self._closed = True
            self._due.clear()
            self._news.notify_all()

    def _put(self, when: float, tries: int, channel: Channel | None, notice: Notice) -> None:
        with self._news:
            if self._closed or (self._ending and tries):
                return
            if len(self._due) >= MOST_PENDING:
                log.warning("Too many notices wait to be delivered: one is given up.")
                return
            heapq.heappush(self._due, (when, next(self._numbers), tries, channel, notice))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="train-lora notices", daemon=True)
                self._thread.start()
            self._news.notify_all()

    def _work(self) -> None:
        while (due := self._next()) is not None:
            try:
                self._take(*due[2:])
            except Exception:  # one notice that goes wrong in an unforeseen way keeps no other one back
                log.exception("A notice could not be delivered.")
            finally:
                with self._news:
                    self._busy = False
                    self._news.notify_all()

    def _next(self) -> Due | None:
        """What is to be delivered now; waits for it. None at the end of the program."""
        with self._news:
            while not self._closed:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    self._busy = True
                    return heapq.heappop(self._due)
                self._news.wait(left)
        return None

    def _take(self, tries: int, channel: Channel | None, notice: Notice) -> None:
        channels = self.settings.list()
        if channel is None:
            for one in channels:
                if one.tells(notice.occasion):
                    self._put(time.monotonic(), 0, one, notice)
        elif channel in channels:  # else it was removed or changed meanwhile
            error = self._attempt(channel, notice)
            self._note(channel, notice, error)
            if error is not None and error.again and tries < len(self._waits):
                wait = max(self._waits[tries], error.after)
                self._put(time.monotonic() + wait, tries + 1, channel, notice)

    def _attempt(self, channel: Channel, notice: Notice) -> Undelivered | None:
        """Deliver in a thread that is left behind when it takes too long; what went wrong, if anything did.

        Not even the look-up of a name has a time limit of its own.
        """
        outcome: list[Undelivered | None] = []
        work = threading.Thread(
            target=lambda: outcome.append(_delivered(channel, notice)), name="train-lora notice", daemon=True
        )
        work.start()
        work.join(self._limit)
        if not outcome:
            return Undelivered(Sentence("notice_slow", "The server took too long to answer."))
        return outcome[0]

    def _note(self, channel: Channel, notice: Notice, error: Undelivered | None) -> dict[str, Any]:
        outcome: Mapping[str, Any] = {
            "ok": error is None,
            "at": time.time(),
            "occasion": notice.occasion,
            "message": to_json(error.sentence) if error else None,
        }
        if error:
            log.info("A notice of '%s' did not get through to '%s': %s", notice.occasion, channel.name, error)
        self.settings.note(channel.id, outcome)
        return dict(outcome)


def _delivered(channel: Channel, notice: Notice) -> Undelivered | None:
    """Deliver; what went wrong, if anything did. The text of an unforeseen error may hold a secret and is not told."""
    try:
        CHANNELS.get(channel.kind).deliver(notice, channel.values, Reach(channel.inner))
    except Undelivered as error:
        return error
    except Exception as error:  # noqa: BLE001  a mistake in this program
        log.error("A channel of kind '%s' broke off with %s.", channel.kind, type(error).__name__)
        sentence = Sentence("notice_broke_off", "It could not be sent, by a mistake in this program.")
        return Undelivered(sentence, again=False)
    return None
