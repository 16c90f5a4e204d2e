"""Trying saves out: pictures for every save and strength, drawn one by one with the host's own pipeline."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFound, UserError
from ..host.base import Host, LoraUse
from ..sentences import Sentence
from .job import Job
from .turn import Turn

if TYPE_CHECKING:
    from ..sampling.request import Request

WAITING, DRAWING, DONE, STOPPED, FAILED = "waiting", "drawing", "done", "stopped", "failed"
MOST_CELLS, MOST_WAITING = 400, 8

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TryOutRequest:
    """What is drawn: every save at every strength for every prompt, from one seed. A size of 0 is the base's own."""

    saves: Sequence[str]
    strengths: Sequence[float]
    prompts: Sequence[str]
    negative_prompt: str = ""
    seed: int = -1
    width: int = 0
    height: int = 0
    steps: int = 20
    guidance: float = 7.0
    sampler: str = "euler"

    @property
    def total(self) -> int:
        return len(self.saves) * len(self.strengths) * len(self.prompts)

    def check(self) -> None:
        """Raise UserError when nothing, too much or the impossible is asked for."""
        from ..sampling.samplers import SAMPLERS

        SAMPLERS.get(self.sampler)
        if not 0 < self.total <= MOST_CELLS:
            raise UserError(
                Sentence(
                    "tryout_size",
                    "Choose at least one save, strength and prompt, and at most {most} pictures in all (now {total}).",
                    most=MOST_CELLS,
                    total=self.total,
                )
            )
        bounds = (
            ("width", self.width, 0, 4096),
            ("height", self.height, 0, 4096),
            ("steps", self.steps, 1, 200),
            ("guidance", self.guidance, 1, 50),
            ("seed", self.seed, -1, 2**32 - 1),
            *(("strength", strength, -10, 10) for strength in self.strengths),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:
                sentence = "{name} is {value}, but must lie between {least} and {most}."
                values = {"name": name, "value": value, "least": least, "most": most}
                raise UserError(Sentence("tryout_value", sentence, **values))


@dataclass(frozen=True)
class TriedCell:
    """A picture that was drawn. `n` counts from 1 in the order of drawing; `prompt` is a number in the request."""

    n: int
    save: str
    strength: float
    prompt: int
    path: Path


class TryOut:
    """One grid that is being drawn. Read it from any thread."""

    def __init__(self, job: Job, request: TryOutRequest, turn: Turn) -> None:
        self.id = secrets.token_hex(6)
        self.job, self.request = job, request
        self.seed = request.seed if request.seed >= 0 else secrets.randbelow(2**32)
        self.state, self.cells = WAITING, list[TriedCell]()
        self.folder = job.folder.path / "tryouts" / self.id
        self._files = [job.save_path(save) for save in request.saves]
        self._turn, self._stop, self._problem = turn, threading.Event(), ""

    @property
    def total(self) -> int:
        return self.request.total

    @property
    def message(self) -> str:
        """Why there is nothing to see yet, or any more; empty when there is nothing to say."""
        holder = self._turn.holder
        if self.state == WAITING and holder:
            sentence = "The pictures wait until '{name}' is paused or has ended."
            return Sentence("tryout_waits", sentence, name=holder)
        return self._problem

    def stop(self) -> None:
        """Draw no further picture."""
        self._stop.set()

    def draw(self, host: Host) -> None:
        """Wait for the model and draw; what goes wrong becomes the message."""
        try:
            with self._turn.taken(self.job.record.name, self._stop.is_set) as mine:
                if mine:
                    self._draw_all(host)
            self.state = DONE if len(self.cells) == self.total else STOPPED
        except UserError as error:
            self._problem, self.state = error.sentence, STOPPED if self._stop.is_set() else FAILED
        except Exception as error:  # a mistake in this program, or memory that ran out: said, not swallowed
            log.exception("The try-out of %s broke off.", self.job.id)
            sentence = "The pictures could not be drawn: {error}. The details are in the program's log."
            self._problem, self.state = Sentence("tryout_broke_off", sentence, error=str(error)), FAILED

    def sheet(self) -> Path:
        """All pictures so far on one sheet: a column for each strength, a row for each save and prompt."""
        from PIL import Image

        from ..config import SampleOptions
        from ..sampling.infotext import PARAMETERS, write_png
        from ..tryout import Cell, GridRequest, sheet

        if not self.cells:
            raise UserError(Sentence("no_pictures", "There are no pictures yet."))
        asked = self.request
        files = {file.name: file for file in self._files}
        cells, infotext = [], ""
        for cell in list(self.cells):
            with Image.open(cell.path) as image:
                infotext = infotext or str(image.info.get(PARAMETERS, ""))
                cells.append(
                    Cell(files[cell.save], cell.strength, cell.prompt, self.seed, image.convert("RGB"), infotext)
                )
        request = GridRequest(self._files, asked.prompts, asked.strengths, [self.seed], SampleOptions())
        path = self.folder / "sheet.png"
        write_png(path, sheet(cells, request), infotext)
        return path

    def _draw_all(self, host: Host) -> None:
        from ..sampling.infotext import write_png

        self.state = DRAWING
        configured = getattr(host, "configured", None)
        host = configured(self.job.config) if configured else host
        resolution = host.describe().native_resolution
        with host.studio(self._files) as studio:
            for file, strength, number in self._places():
                if self._stop.is_set():
                    return
                drawn = studio.draw(self._picture(number, resolution), [LoraUse(file, strength)])
                n = len(self.cells) + 1
                path = self.folder / f"{n:04d}.png"
                write_png(path, drawn.image, drawn.infotext)
                self.cells.append(TriedCell(n, file.name, strength, number, path))

    def _places(self) -> Iterator[tuple[Path, float, int]]:
        """Prompt by prompt, so that the first whole grid is there soonest."""
        for number in range(len(self.request.prompts)):
            for file in self._files:
                for strength in self.request.strengths:
                    yield file, strength, number

    def _picture(self, prompt: int, resolution: int) -> Request:
        from ..sampling.request import Request

        asked = self.request
        return Request(
            prompt=asked.prompts[prompt],
            negative_prompt=asked.negative_prompt,
            seed=self.seed,
            width=max(64, (asked.width or resolution) // 8 * 8),
            height=max(64, (asked.height or resolution) // 8 * 8),
            steps=asked.steps,
            guidance=asked.guidance,
            sampler=asked.sampler,
            clip_skip=self.job.config.base.clip_skip,
        )


class TryOuts:
    """All try-outs of a host. Each is drawn in a thread of its own, when it is its turn on the model."""

    def __init__(self, host: Host, turn: Turn) -> None:
        self._host, self._turn = host, turn
        self._all: dict[str, TryOut] = {}
        self._lock = threading.Lock()

    def start(self, job: Job, request: TryOutRequest) -> TryOut:
        """Begin to draw. Raises UserError for what cannot be drawn, or when too much is waiting."""
        request.check()
        tryout = TryOut(job, request, self._turn)
        with self._lock:
            if sum(one.state == WAITING for one in self._all.values()) >= MOST_WAITING:
                raise UserError(Sentence("tryouts_wait", "Too many try-outs are waiting: stop some of them first."))
            self._all[tryout.id] = tryout
        threading.Thread(target=tryout.draw, args=(self._host,), name="train-lora try-out", daemon=True).start()
        return tryout

    def get(self, tryout_id: str) -> TryOut:
        """Raises NotFound when there is no such try-out."""
        tryout = self._all.get(tryout_id)
        if tryout is None:
            raise NotFound(Sentence("no_tryout", "There is no try-out '{id}' (any more).", id=tryout_id))
        return tryout

    def picture_of(self, job: Job, save: str, strength: float) -> Path | None:
        """The newest picture of a save at a strength, as a preview of it."""
        with self._lock:
            tryouts = [one for one in self._all.values() if one.job is job]
        cells = (cell for tryout in tryouts[::-1] for cell in list(tryout.cells)[::-1])
        return next((cell.path for cell in cells if (cell.save, cell.strength) == (save, strength)), None)
