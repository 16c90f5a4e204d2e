"""Captioning of data sets beside whoever asked for it: begun, watched, stopped, and begun again to go on."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..advice.errors import explained
from ..captioning import CAPTIONERS, Captioner, Settings
from ..captioning.base import Build
from ..captioning.events import Captioned, Described, LeftOut
from ..captioning.folder import Task, describe
from ..captioning.places import FOLDER
from ..datasets.folder import DataSetFolder
from ..errors import NotFound, UserError
from ..events import Preparing
from ..host.base import Host
from ..sentences import Sentence
from .feed import Feed
from .turn import Ticket, Turn

WAITING, CAPTIONING, DONE, STOPPED, FAILED = "waiting", "captioning", "done", "stopped", "failed"
UNDER_WAY = (WAITING, CAPTIONING)

log = logging.getLogger(__name__)


class Captioning:
    """The captioning of one data set. Read it from any thread."""

    def __init__(self, dataset: DataSetFolder, task: Task, captioner: Captioner, turn: Turn, owner: str = "") -> None:
        self.id = secrets.token_hex(6)
        self.dataset, self.task, self.captioner = dataset, task, captioner
        self.state, self.feed, self.owner = WAITING, Feed(), owner
        self.done = self.total = 0
        self.left_out: list[LeftOut] = []
        self.result: Described | None = None
        self._turn, self._stop, self._problem = turn, threading.Event(), ""
        self._ticket = turn.join(Ticket(dataset.name))

    @property
    def message(self) -> str:
        """Why there is nothing to see yet, or any more; empty when there is nothing to say."""
        holder = self._turn.holder
        if self.state == WAITING and holder:
            sentence = "The captions wait until '{name}' is paused or has ended."
            return Sentence("captions_wait", sentence, name=holder.name)
        return self._problem

    def stop(self) -> None:
        """End after the batch that is being captioned; what is written stays."""
        self._stop.set()

    def run(self) -> None:
        """Caption the data set when it is its turn. Whatever goes wrong becomes the message."""
        try:
            with self._turn.held(self._ticket, self._stop.is_set) as mine:
                if mine:
                    self.state = CAPTIONING
                    self._follow()
            self.state = DONE if self.result is not None and not self.result.stopped else STOPPED
        except Exception as error:  # models of others fail in ways of their own; whoever watches must learn of it
            log.info("The captioning of %r broke off.", self.dataset.name, exc_info=error)
            self._problem = explained(error, _broke_off)
            self.state = FAILED

    def _follow(self) -> None:
        for event in describe(self.task, self.captioner, self._stop.is_set):
            if isinstance(event, (Captioned, LeftOut)) or (isinstance(event, Preparing) and event.phase == "captions"):
                self.done, self.total = event.done, event.total
            if isinstance(event, LeftOut):
                self.left_out.append(event)
            if isinstance(event, Described):
                self.result = event
            self.feed.append(event)


def _broke_off(reason: str) -> Sentence:
    sentence = "The captions broke off: {reason}. What is done stays; the program's log has the details."
    return Sentence("captions_broke_off", sentence, reason=reason)


@dataclass(frozen=True)
class Choice:
    """A captioner as a page offers it: the names of its models, and what is missing before it can be used."""

    name: str
    models: list[str]
    missing: Sentence | None


class Captionings:
    """All captionings of a host, each in a thread of its own when it is its turn on the model."""

    def __init__(self, host: Host, turn: Turn) -> None:
        self._host, self._turn = host, turn
        self._all: dict[str, Captioning] = {}
        self._lock = threading.Lock()

    def choices(self) -> list[Choice]:
        """Every captioner there is here, the host's own last."""
        made = {name: build(self.settings()) for name, build in self._builds().items()}
        return [Choice(name, one.models(), one.missing()) for name, one in made.items()]

    def settings(self, **values: Any) -> Settings:
        """Settings with the host's folder for models and vocabularies."""
        return Settings(self._host.data_folder() / FOLDER, **values)

    def start(
        self, dataset: DataSetFolder, name: str, settings: Settings, task: Task, *, owner: str = ""
    ) -> Captioning:
        """Begin to caption a data set with the captioner `name`.

        Raises ConfigError for wrong values, UserError when there is no such captioner, when it lacks something, and
        while the data set is being captioned already.
        """
        settings.check()
        task.check()
        captioner = self._build(name)(settings)
        if (sentence := captioner.missing()) is not None:
            raise UserError(sentence)
        with self._lock:
            if any(one.dataset.path == dataset.path and one.state in UNDER_WAY for one in self._all.values()):
                raise UserError(
                    Sentence("captions_under_way", "'{name}' is being captioned already.", name=dataset.name)
                )
            made = Captioning(dataset, task, captioner, self._turn, owner)
            self._all[made.id] = made
        threading.Thread(target=made.run, name="train-lora captions", daemon=True).start()
        return made

    def get(self, captioning_id: str) -> Captioning:
        """Raises NotFound when there is no such captioning."""
        made = self._all.get(captioning_id)
        if made is None:
            raise no_captioning(captioning_id)
        return made

    def __iter__(self) -> Iterator[Captioning]:
        """All of them, the newest first."""
        with self._lock:
            return iter(list(self._all.values())[::-1])

    def _builds(self) -> Mapping[str, Build]:
        own = {name: CAPTIONERS.get(name) for name in CAPTIONERS.names()}
        return own | dict(getattr(self._host, "captioners", dict)())

    def _build(self, name: str) -> Build:
        builds = self._builds()
        if name not in builds:
            known = ", ".join(builds)
            sentence = "There is no captioner '{name}' here. Known are: {known}."
            raise UserError(Sentence("no_captioner", sentence, name=name, known=known))
        return builds[name]


def no_captioning(captioning_id: str) -> NotFound:
    return NotFound(Sentence("no_captioning", "There is no captioning '{id}' (any more).", id=captioning_id))
