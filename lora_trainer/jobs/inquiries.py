"""Questions that take their time: begun, watched, stopped. A step that is tried out waits for its turn on the model."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..advice.errors import explained
from ..config import TrainConfig
from ..errors import NotFound
from ..events import Event, Preparing
from ..sentences import Sentence
from .turn import Ticket, Turn

if TYPE_CHECKING:
    from ..estimate.fits import Fits
    from .advisor import Advisor, Tried

    Answer = Fits | Tried

WAITING, WORKING, DONE, STOPPED, FAILED = "waiting", "working", "done", "stopped", "failed"
UNDER_WAY = (WAITING, WORKING)
LAST_STEP = 30.0
"""Seconds that the end of the program waits for it."""
KEPT = 8
"""How many inquiries are remembered."""

log = logging.getLogger(__name__)


class Inquiry:
    """One question. Read it from any thread; `answer` is there when `state` is done."""

    def __init__(
        self, kind: str, config: TrainConfig, ask: Callable[[Inquiry], Answer | None], owner: str = ""
    ) -> None:
        self.id, self.kind, self.config, self.owner = secrets.token_hex(6), kind, config, owner
        self.state = WAITING
        self.phase, self.done, self.total = "", 0, 0
        self.answer: Answer | None = None
        self._ask, self._stop, self._problem = ask, threading.Event(), ""
        self._thread = threading.Thread(target=self._run, name="train-lora inquiry", daemon=True)

    @property
    def message(self) -> str:
        """What went wrong; empty when nothing did."""
        return self._problem

    def begin(self) -> Inquiry:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Look no further; a step that is being taken is ended first."""
        self._stop.set()

    def stopped(self) -> bool:
        return self._stop.is_set()

    def wait(self, seconds: float | None = None) -> None:
        """Until there is an answer, or none will come."""
        self._thread.join(seconds)

    def prepares(self, event: Event) -> None:
        """Hear how far the preparation is."""
        if isinstance(event, Preparing):
            self.phase, self.done, self.total = event.phase, event.done, event.total

    def works(self, phase: str) -> Callable[[int, int], None]:
        """A listener to how far `phase` is."""

        def hear(done: int, total: int) -> None:
            self.phase, self.done, self.total = phase, done, total

        return hear

    def _run(self) -> None:
        """Ask; whatever goes wrong becomes the message."""
        try:
            self.answer = self._ask(self)
            self.state = STOPPED if self.answer is None else DONE
        except Exception as error:  # whoever waits for the answer must learn of it
            log.info("The inquiry about %s broke off.", self.kind, exc_info=error)
            self._problem, self.state = explained(error, _broke_off), FAILED


class Inquiries:
    """All questions of a host that are asked beside whoever wants to know."""

    def __init__(self, advisor: Advisor, turn: Turn) -> None:
        self._advisor, self._turn = advisor, turn
        self._all: dict[str, Inquiry] = {}
        self._lock = threading.Lock()

    def probe(self, config: TrainConfig, *, owner: str = "") -> Inquiry:
        """Try a step out, when it is its turn on the model."""
        ticket = self._turn.join(Ticket(config.save.name))

        def ask(inquiry: Inquiry) -> Answer | None:
            with self._turn.held(ticket, inquiry.stopped) as mine:
                if not mine or inquiry.stopped():
                    return None
                inquiry.state = WORKING
                return self._advisor.probe(
                    config, tell=inquiry.prepares, tried=inquiry.works("step"), stop=inquiry.stopped
                )

        return self._begin(Inquiry("probe", config, ask, owner))

    def fits(self, config: TrainConfig, *, owner: str = "") -> Inquiry:
        """Look for the best batch and resolution. That needs a core and no model, so it waits for nobody."""

        def ask(inquiry: Inquiry) -> Answer | None:
            inquiry.state = WORKING
            return self._advisor.fits(config, tell=inquiry.works("estimate"), stop=inquiry.stopped)

        return self._begin(Inquiry("fits", config, ask, owner))

    def get(self, inquiry_id: str) -> Inquiry:
        """Raises NotFound when there is no such inquiry."""
        inquiry = self._all.get(inquiry_id)
        if inquiry is None:
            raise no_inquiry(inquiry_id)
        return inquiry

    def waits_for(self, inquiry: Inquiry) -> str:
        """Why an inquiry has to wait; empty when it need not."""
        holder = self._turn.holder
        if inquiry.state != WAITING or holder is None:
            return ""
        sentence = "The step is tried when '{name}' is paused or has ended."
        return Sentence("probe_waits", sentence, name=holder.name)

    def close(self) -> None:
        """Ask no further, and wait for the step that is being tried: the program is about to end."""
        for inquiry in list(self._all.values()):
            inquiry.stop()
        for inquiry in list(self._all.values()):
            inquiry.wait(LAST_STEP)

    def _begin(self, inquiry: Inquiry) -> Inquiry:
        """A new question of a kind takes the place of its owner's last one."""
        with self._lock:
            for other in self._all.values():
                if (other.kind, other.owner) == (inquiry.kind, inquiry.owner):
                    other.stop()
            self._all[inquiry.id] = inquiry
            for old in list(self._all)[:-KEPT]:
                del self._all[old]
        return inquiry.begin()


def _broke_off(reason: str) -> Sentence:
    sentence = "That could not be found out: {error}. The details are in the program's log."
    return Sentence("inquiry_broke_off", sentence, error=reason)


def no_inquiry(inquiry_id: str) -> NotFound:
    return NotFound(Sentence("no_inquiry", "There is no inquiry '{id}' (any more).", id=inquiry_id))
