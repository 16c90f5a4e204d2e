"""Regularization pictures drawn beside whoever asked for them: begun, watched, stopped, and begun again to go on."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..advice.errors import explained
from ..config import TrainConfig
from ..datasets.folder import DataSetFolder
from ..datasets.store import DataSets
from ..errors import NotFound, UserError
from ..events import Preparing
from ..files.names import safe_stem
from ..host.base import Host, host_for
from ..regularization import ClassDrawn, ClassPictures, Order, draw_class, usual_count, usual_sizes
from ..resolve import with_resolution
from ..sentences import Sentence
from .forecast import Forecaster
from .turn import Ticket, Turn

if TYPE_CHECKING:
    from ..data.records import Size

WAITING, DRAWING, DONE, STOPPED, FAILED = "waiting", "drawing", "done", "stopped", "failed"
UNDER_WAY = (WAITING, DRAWING)
LONGEST_NAME = 60
LAST_PICTURE = 30.0
"""Seconds that the end of the program waits for a picture."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Usual:
    """What suits a run: as many pictures as it sees of its own in an epoch, in the sizes that it trains them at."""

    count: int
    sizes: dict[Size, int]


class Regularization:
    """Pictures of a class for one data set. Read it from any thread."""

    def __init__(self, dataset: DataSetFolder, order: Order, turn: Turn, owner: str = "") -> None:
        self.id = secrets.token_hex(6)
        self.dataset, self.order, self.state, self.owner = dataset, order, WAITING, owner
        self.done, self.total = dataset.count, order.count
        self.names: list[str] = []
        """The pictures that there are, once it is its turn; the newest last."""
        self.result: ClassPictures | None = None
        self._turn, self._stop, self._problem = turn, threading.Event(), ""
        self._ticket = turn.join(Ticket(dataset.name, draws=True))
        self._thread: threading.Thread | None = None

    @property
    def message(self) -> str:
        """Why there is nothing to see yet, or any more; empty when there is nothing to say."""
        holder = self._turn.holder
        if self.state == WAITING and holder:
            sentence = "The class pictures wait until '{name}' is paused or has ended."
            return Sentence("class_waits", sentence, name=holder.name)
        return self._problem

    def stop(self) -> None:
        """Draw no further picture; those that are drawn stay."""
        self._stop.set()

    def begin(self, host: Host) -> None:
        """Draw in a thread of its own."""
        self._thread = threading.Thread(target=self.run, args=(host,), name="train-lora class pictures", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until no more is drawn."""
        if self._thread:
            self._thread.join(seconds)

    def run(self, host: Host) -> None:
        """Draw when it is its turn. Whatever goes wrong becomes the message; an interruption is a stop."""
        try:
            with self._turn.held(self._ticket, self._stop.is_set) as mine:
                if mine:
                    self.state = DRAWING
                    self._follow(host)
            self.state = DONE if self.result is not None and not self.result.stopped else STOPPED
        except UserError as error:
            interrupted = getattr(error.sentence, "code", "") == "interrupted"
            self._problem, self.state = error.sentence, STOPPED if interrupted else FAILED
        except Exception as error:  # a mistake in this program, or memory that ran out: said, not swallowed
            log.exception("The class pictures of %r broke off.", self.dataset.name)
            self._problem, self.state = explained(error, _broke_off), FAILED

    def _follow(self, host: Host) -> None:
        for event in draw_class(host, self.order, self.dataset.path, self._stop.is_set):
            if isinstance(event, (Preparing, ClassDrawn)):
                self.done, self.total = event.done, event.total
            if isinstance(event, Preparing):
                self.names = self.dataset.names()
            if isinstance(event, ClassDrawn):
                self.names.append(event.name)
                self.dataset.filled()
            if isinstance(event, ClassPictures):
                self.result = event


def _broke_off(reason: str) -> Sentence:
    sentence = "The class pictures could not be drawn: {error}. The details are in the program's log."
    return Sentence("class_broke_off", sentence, error=reason)


class Regularizations:
    """All orders of class pictures, each in a thread of its own when it is its turn on the model."""

    def __init__(self, host: Host, turn: Turn, datasets: DataSets, forecaster: Forecaster) -> None:
        self._host, self._turn, self._datasets, self._forecaster = host, turn, datasets, forecaster
        self._all: dict[str, Regularization] = {}
        self._lock = threading.Lock()

    def usual(self, config: TrainConfig) -> Usual:
        """What suits the run's own pictures. Raises DataError where it has none."""
        data = with_resolution(config, self._host.describe()).data
        own = [folder for folder in data.folders if not folder.regularization]
        pictures = self._forecaster.scan(replace(data, folders=own)).pictures
        return Usual(usual_count(pictures), usual_sizes(pictures))

    def start(
        self,
        config: TrainConfig,
        prompts: Sequence[str],
        *,
        count: int = 0,
        negative_prompt: str = "",
        name: str = "",
        owner: str = "",
        datasets: DataSets | None = None,
    ) -> Regularization:
        """Begin to draw for a run; `count` 0 is the usual one. They go into the data set `name`, else one of the class.

        It is one of `datasets`, where `owner` does not see all of them.

        An uploaded data set of that name is filled up. Raises ConfigError for what cannot be drawn, UserError while
        that data set is being filled already.
        """
        usual = self.usual(config)
        order = Order.of(config, prompts, count or usual.count, negative_prompt, usual.sizes)
        order.check(config.data.trigger_word)
        host = host_for(self._host, config)
        with self._lock:
            stem = safe_stem(name or f"class {order.prompts[0]}"[:LONGEST_NAME])
            dataset = _data_set(datasets or self._datasets, stem)
            if any(one.dataset.path == dataset.path and one.state in UNDER_WAY for one in self._all.values()):
                sentence = "Class pictures for '{name}' are being drawn already."
                raise UserError(Sentence("class_under_way", sentence, name=dataset.name))
            made = Regularization(dataset, order, self._turn, owner)
            self._all[made.id] = made
        made.begin(host)
        return made

    def get(self, id: str) -> Regularization:
        """Raises NotFound when there is no such order."""
        made = self._all.get(id)
        if made is None:
            raise no_regularization(id)
        return made

    def close(self) -> None:
        """Draw nothing more, and wait for the picture that is being drawn: the program is about to end."""
        for made in self:
            made.stop()
        for made in self:
            made.wait(LAST_PICTURE)

    def __iter__(self) -> Iterator[Regularization]:
        """All of them, the newest first."""
        with self._lock:
            return iter(list(self._all.values())[::-1])


def _data_set(datasets: DataSets, stem: str) -> DataSetFolder:
    there = (one for one in datasets.list() if one.own and one.name.casefold() == stem.casefold())
    return next(there, None) or datasets.create(stem)


def no_regularization(id: str) -> NotFound:
    return NotFound(Sentence("no_regularization", "There are no class pictures '{id}' (any more).", id=id))
