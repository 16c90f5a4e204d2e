"""Trying saves out: pictures for every save and strength, drawn one by one with the host's own pipeline."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFound, UserError
from ..host.base import Drawn, Host, LoraUse, Studio, host_for
from ..judging.score import LeftOff
from ..judging.words import has_word
from ..sentences import Sentence
from .grid_file import keep_grid
from .job import Job
from .scoring import beside, score
from .states import ENDED
from .tryout_request import TriedCell, TryOutRequest, usual_request, usual_saves
from .turn import Ticket, Turn

if TYPE_CHECKING:
    from ..judging.verdict import Verdict
    from ..sampling.request import Request

WAITING, DRAWING, JUDGING = "waiting", "drawing", "judging"
DONE, STOPPED, FAILED = "done", "stopped", "failed"
OPEN = (WAITING, DRAWING, JUDGING)
MOST_WAITING = 8
LAST_PICTURE = 30.0
"""Seconds that the end of the program waits for a picture."""

log = logging.getLogger(__name__)


class TryOut:
    """One grid that is being drawn. Read it from any thread.

    With `yields` it gives the model back after every picture when somebody else wants it, or while that holds.
    `single` ones are looked at by themselves: they are not the grid of their job.
    """

    def __init__(
        self,
        job: Job,
        request: TryOutRequest,
        turn: Turn,
        *,
        yields: Callable[[], bool] | None = None,
        single: bool = False,
    ) -> None:
        for save in request.saves:
            job.save_path(save)
        self.id = secrets.token_hex(6)
        self.job, self.request, self.single = job, request, single
        self.seed = request.seed if request.seed >= 0 else secrets.randbelow(2**32)
        self.state, self.cells = WAITING, list[TriedCell]()
        self.folder = job.folder.path / "tryouts" / self.id
        self._turn, self._stop, self._problem = turn, threading.Event(), ""
        self._ticket = turn.join(Ticket(job.record.name, job.id, draws=True, yields=yields))
        self.steps: dict[str, int] = {}
        """The steps of the saves as they were drawn: a run that goes on gives its last save another name."""
        self._thread: threading.Thread | None = None
        self._bare: dict[int, Drawn] = {}
        """Pictures at strength 0, by prompt: they are the same for every save."""
        self.beside: dict[tuple[int, int], Path] = {}
        """What the base alone drew to compare the cells with, by (prompt, seed)."""
        self.verdict: Verdict | None = None

    @property
    def automatic(self) -> bool:
        """Whether nobody asked for it, so that it comes after everybody who asked for something."""
        return self._ticket.yields is not None

    @property
    def saves(self) -> list[str]:
        return list(self.request.saves) or usual_saves(self.job)

    @property
    def total(self) -> int:
        return replace(self.request, saves=self.saves).total

    @property
    def waits_for(self) -> Ticket | None:
        """Who has the model, while this waits for it."""
        return self._turn.holder if self.state == WAITING else None

    @property
    def message(self) -> str:
        """Why there is nothing to see yet, or any more; empty when there is nothing to say."""
        holder = self.waits_for
        if holder is None or (holder.draws and holder.job == self.job.id):
            return self._problem
        if holder.draws:
            sentence = "The pictures come after those of '{name}', which are being drawn."
            return Sentence("tryout_waits_pictures", sentence, name=holder.name)
        return Sentence("tryout_waits", "The pictures wait until '{name}' is paused or has ended.", name=holder.name)

    def stop(self) -> None:
        """Draw no further picture."""
        self._stop.set()

    def begin(self, host: Host) -> None:
        """Draw in a thread of its own."""
        self._thread = threading.Thread(target=self.draw, args=(host,), name="train-lora try-out", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until no more is drawn."""
        if self._thread:
            self._thread.join(seconds)

    def draw(self, host: Host) -> None:
        """Wait for the model and draw; what goes wrong becomes the message."""
        try:
            while self.state in OPEN:
                self._take_a_turn(host)
        except UserError as error:
            self._problem, self.state = error.sentence, STOPPED if self._stop.is_set() else FAILED
        except Exception as error:  # a mistake in this program, or memory that ran out: said, not swallowed
            log.exception("The try-out of %s broke off.", self.job.id)
            sentence = "The pictures could not be drawn: {error}. The details are in the program's log."
            self._problem, self.state = Sentence("tryout_broke_off", sentence, error=str(error)), FAILED
        finally:
            self._bare.clear()

    def _take_a_turn(self, host: Host) -> None:
        """Draw until all is drawn, or somebody else comes first."""
        with self._turn.held(self._ticket, self._stop.is_set) as mine:
            if mine:
                self._draw_on(host)
                self._judge(host)
        if self.automatic and self.job.state not in ENDED:
            self.stop()  # it goes on: its next end has a grid of its own
        if self._all_drawn and (self._all_judged or self._stop.is_set()):
            self.state = DONE
        elif self._stop.is_set():
            self.state = STOPPED
        else:
            self.state, self._ticket = WAITING, self._turn.join(self._ticket)

    @property
    def _all_drawn(self) -> bool:
        return bool(self.cells) and len(self.cells) == self.total

    @property
    def _all_judged(self) -> bool:
        return self.single or not self.request.score or self.verdict is not None

    def _given_up(self) -> bool:
        return self._stop.is_set() or self._turn.wanted_from(self._ticket)

    def _judge(self, host: Host) -> None:
        """Score what was drawn, unless somebody else comes first: then it is done at the next turn."""
        if self._all_judged or not self._all_drawn or self._given_up():
            return
        self.state = JUDGING
        with contextlib.suppress(LeftOff):
            self.verdict = score(self, host, self._given_up)

    def _draw_on(self, host: Host) -> None:
        """Draw what is missing."""
        self.request = replace(self.request, saves=self.saves)
        if not self.request.saves:
            raise UserError(Sentence("no_save_yet", "'{name}' has no save to try yet.", name=self.job.record.name))
        self.steps = {**{save.file: save.step for save in self.job.saves()}, **self.steps}
        self.state = DRAWING
        host = host_for(host, self.job.config)
        resolution = host.describe().native_resolution
        with host.studio([self.job.save_path(save) for save in self.request.saves]) as studio:
            for save, strength, number in list(self.request.places())[len(self.cells) :]:
                if self._given_up():
                    return
                drawn = self._bare.get(number) if strength == 0 else None
                if drawn is None:
                    use = LoraUse(self.job.save_path(save), strength)
                    drawn = studio.draw(self._picture(number, resolution, self.seed), [use])
                self._take(drawn, save, strength, number)
            self._draw_beside(studio, resolution)

    def _draw_beside(self, studio: Studio, resolution: int) -> None:
        """Draw what the cells are compared with."""
        if self._all_judged:
            return
        nothing = [LoraUse(self.job.save_path(self.request.saves[0]), 0.0)]
        for number, seed in beside(self.request, self.seed, self.job.trigger_word):
            if self._given_up():
                return
            if (number, seed) not in self.beside:
                drawn = studio.draw(self._picture(number, resolution, seed), nothing)
                self.beside[number, seed] = self._written(drawn, f"beside-{number + 1}-{seed}.png")

    def _picture(self, number: int, resolution: int, seed: int) -> Request:
        return self.request.picture(number, seed, resolution, self.job.config.base.clip_skip)

    def _written(self, drawn: Drawn, name: str) -> Path:
        from ..sampling.infotext import write_png

        path = self.folder / name
        write_png(path, drawn.image, drawn.infotext)
        return path

    def _take(self, drawn: Drawn, save: str, strength: float, number: int) -> None:
        if strength == 0:
            self._bare[number] = drawn
        n = len(self.cells) + 1
        self.cells.append(TriedCell(n, save, strength, number, self._written(drawn, f"{n:04d}.png")))
        keep_grid(self)


class TryOuts:
    """All try-outs of a host. Each is drawn in a thread of its own, when it is its turn on the model.

    `runs_wait` says whether trainings wait for the model.
    """

    def __init__(self, host: Host, turn: Turn, runs_wait: Callable[[], bool] = lambda: False) -> None:
        self._host, self._turn, self._runs_wait = host, turn, runs_wait
        self._all: dict[str, TryOut] = {}
        self._lock = threading.Lock()

    def start(self, job: Job, request: TryOutRequest, *, single: bool = False) -> TryOut:
        """Begin to draw; a new grid takes the place of the job's last one, which is drawn no further.

        Raises UserError for what cannot be drawn, or when too much is waiting.
        """
        request.check()
        with self._lock:
            mine = (one for one in self._all.values() if one.job.record.owner == job.record.owner)
            asked_for = (one for one in mine if not one.automatic)
            if sum(one.state == WAITING for one in asked_for) >= MOST_WAITING:
                raise UserError(Sentence("tryouts_wait", "Too many try-outs are waiting: stop some of them first."))
            return self._begin(TryOut(job, request, self._turn, single=single))

    def begin_usual(self, job: Job) -> TryOut | None:
        """Begin the usual grid of a run that has ended; None where there is nothing to show, or a user draws already.

        Nobody waits for it: it is drawn when no training and no other try-out wants the model.
        """
        with self._lock:
            busy = any(one.job is job and one.state in OPEN and not one.automatic for one in self._all.values())
            if busy or not any(save.final for save in job.saves()):
                return None
            return self._begin(TryOut(job, usual_request(job), self._turn, yields=self._runs_wait))

    def _begin(self, tryout: TryOut) -> TryOut:
        if not tryout.single:
            for other in self._all.values():
                if other.job is tryout.job and not other.single:
                    other.stop()
        self._all[tryout.id] = tryout
        if not tryout.single:
            tryout.job.change(tryout=tryout.id)
        tryout.begin(self._host)
        return tryout

    def forget(self, job: Job) -> None:
        """Draw nothing more of a job that is deleted."""
        with self._lock:
            for tryout in [one for one in self._all.values() if one.job is job]:
                tryout.stop()
                del self._all[tryout.id]

    def close(self) -> None:
        """Draw nothing more, and wait for the picture that is being drawn: the program is about to end."""
        with self._lock:
            tryouts = list(self._all.values())
        for tryout in tryouts:
            tryout.stop()
        for tryout in tryouts:
            tryout.wait(LAST_PICTURE)

    def get(self, tryout_id: str) -> TryOut:
        """Raises NotFound when there is no such try-out."""
        tryout = self._all.get(tryout_id)
        if tryout is None:
            raise no_tryout(tryout_id)
        return tryout

    def picture_of(self, job: Job, save: str, strength: float) -> Path | None:
        """The newest picture of a save at a strength, as a preview of it: one with the word, where there is any."""
        step = next((one.step for one in job.saves() if one.file == save), None)
        with self._lock:
            tryouts = [one for one in self._all.values() if one.job is job]
        pictures = [
            (has_word(tryout.request.prompts[cell.prompt], job.trigger_word), cell.path)
            for tryout in tryouts[::-1]
            for cell in list(tryout.cells)[::-1]
            if (tryout.steps[cell.save], cell.strength) == (step, strength)
        ]
        return next((path for shows_it, path in sorted(pictures, key=lambda one: not one[0])), None)


def no_tryout(tryout_id: str) -> NotFound:
    return NotFound(Sentence("no_tryout", "There is no try-out '{id}' (any more).", id=tryout_id))
