"""Drawing a grid: pictures for every save and strength, one by one with the host's own pipeline, at its turn."""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..host.base import Drawn, Host, LoraUse, Studio, host_for
from ..judging.score import LeftOff
from ..sentences import Sentence
from .grid import DONE, DRAWING, FAILED, JUDGING, OPEN, STOPPED, WAITING, Grid
from .grid_file import keep_grid, new_id
from .job import Job
from .scoring import beside, score
from .states import ENDED
from .tryout_request import TriedCell, TryOutRequest
from .turn import Ticket, Turn

if TYPE_CHECKING:
    from ..sampling.request import Request

log = logging.getLogger(__name__)


class TryOut(Grid):
    """A grid that is being drawn, from `begin` on.

    With `yields` it gives the model back after every picture when somebody else wants it, or while that holds.
    Raises NotFound for what is no save of the job.
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
        seed = request.seed if request.seed >= 0 else secrets.randbelow(2**32)
        automatic = yields is not None  # then it comes after everybody who asked for something
        super().__init__(job, request, new_id(), seed, state=WAITING, automatic=automatic, single=single)
        self._turn, self._stop = turn, threading.Event()
        self._ticket = Ticket(job.record.name, job.id, draws=True, yields=yields)
        self._thread: threading.Thread | None = None
        self._bare: dict[int, Drawn] = {}
        """Pictures at strength 0, by prompt: they are the same for every save."""

    @property
    def waits_for(self) -> Ticket | None:
        return self._turn.holder if self.state == WAITING else None

    @property
    def message(self) -> str:
        holder = self.waits_for
        if holder is None or (holder.draws and holder.job == self.job.id):
            return self.problem
        if holder.draws:
            sentence = "The pictures come after those of '{name}', which are being drawn."
            return Sentence("tryout_waits_pictures", sentence, name=holder.name)
        return Sentence("tryout_waits", "The pictures wait until '{name}' is paused or has ended.", name=holder.name)

    def stop(self) -> None:
        self._stop.set()

    def begin(self, host: Host) -> None:
        """Stand in line for the model from now on, and draw in a thread of its own."""
        self._turn.join(self._ticket)
        self._thread = threading.Thread(target=self.draw, args=(host,), name="train-lora try-out", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        if self._thread:
            self._thread.join(seconds)

    def draw(self, host: Host) -> None:
        """Wait for the model and draw; what goes wrong becomes the message."""
        try:
            while self.state in OPEN:
                self._take_a_turn(host)
        except UserError as error:
            self._end(STOPPED if self._stop.is_set() else FAILED, error.sentence)
        except Exception as error:  # a mistake in this program, or memory that ran out: said, not swallowed
            log.exception("The try-out of %s broke off.", self.job.id)
            sentence = "The pictures could not be drawn: {error}. The details are in the program's log."
            self._end(FAILED, Sentence("tryout_broke_off", sentence, error=str(error)))
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
            self._end(DONE)
        elif self._stop.is_set():
            self._end(STOPPED)
        else:
            self.state, self._ticket = WAITING, self._turn.join(self._ticket)

    def _end(self, state: str, problem: str = "") -> None:
        """Nothing is added any more: it is kept as it is, before anybody is told that it has ended."""
        self.problem = problem
        if not self.job.deleted:
            keep_grid(self, state)
        self.state = state

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
        keep_grid(self, self.state)
