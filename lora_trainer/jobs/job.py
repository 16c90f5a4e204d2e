"""A job: one training with its controls, whatever runs it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..config import TrainConfig
from ..control import Control, Wish
from ..errors import NotFound, UserError
from ..events import Event, Failed, Finished, Paused, Preparing, Sample, Saved, Started, Step, Validated
from ..files.names import safe_stem
from ..run_folder import RunFolder
from ..sentences import Sentence
from ..state import newest_step
from .feed import Feed
from .record import Record, Save
from .states import (
    ENDED,
    FAILED,
    FINISHED,
    NEXT,
    ON_THE_MODEL,
    PAUSED,
    PREPARING,
    QUEUED,
    RESTING,
    RUNNING,
    STOPPED,
    STOPPING,
)

if TYPE_CHECKING:
    from ..data.cache import Store

PREPARING_EVERY = 0.2
"""Seconds between two events of one phase of preparation in a feed."""


class Job:
    """A training. Its record changes only through `change`, which tells `listener`; controls may come from any thread.

    Every control may be given twice, and in a state where it means nothing. One that may line the job up takes
    `line_lock`, that of the line's owner, before the job's own lock, as its owner does.
    """

    def __init__(
        self, record: Record, config: TrainConfig, enqueue: Callable[[Job], None], feed: Feed | None = None
    ) -> None:
        self.record, self.config = record, config
        self.control, self.feed = Control(), feed or Feed()
        self.steps_aside = False
        """Whether it pauses for a more important one, to go on by itself afterwards."""
        self.rests_for = ""
        """Why it pauses, where nobody wished it; it is its message then."""
        self.store: Store | None = None
        """What is encoded already, kept while the job may go on."""
        self.listener: Callable[[Job], None] = lambda job: None
        self.at_event: Callable[[], None] = lambda: None
        """Called after each event of the run."""
        self.problem = ""
        """Why it cannot go on; empty when nothing is known against it."""
        self.deleted = False
        """Whether it is forgotten: whoever still holds it can begin nothing with it."""
        self.line_lock: AbstractContextManager[Any] = threading.RLock()
        self._enqueue = enqueue
        self._lock = threading.RLock()
        self._prepared_at, self._phase = 0.0, ""

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def state(self) -> str:
        return self.record.state

    @property
    def folder(self) -> RunFolder:
        return RunFolder(Path(self.config.save.output), safe_stem(self.config.save.name))

    @property
    def has_state(self) -> bool:
        """Whether there is something on disk to go on from."""
        return self.state_step > 0

    @property
    def state_step(self) -> int:
        """The step that it would go on from; 0 when there is nothing on disk."""
        return newest_step(self.folder.states)

    @property
    def trigger_word(self) -> str:
        data = self.config.data
        return data.trigger_word or next((folder.trigger_word for folder in data.folders if folder.trigger_word), "")

    def saves(self) -> list[Save]:
        """The saves that are on disk, oldest first."""
        return [save for save in self.record.saves if (self.folder.output / save.file).is_file()]

    def save_path(self, file: str) -> Path:
        """The path of one of this job's saves. Raises NotFound for any other name."""
        if file not in {save.file for save in self.saves()}:
            raise NotFound(Sentence("no_save", "This run has no save called '{file}'.", file=file))
        return self.folder.output / file

    def sample_path(self, file: str) -> Path:
        """The path of one of this job's samples. Raises NotFound for any other name."""
        if file not in self.record.samples:
            raise NotFound(Sentence("no_sample", "This run has no sample called '{file}'.", file=file))
        return self.folder.samples / file

    def hide_sample(self, file: str, hidden: bool) -> None:
        """Keep a sample from its owner's eyes, or show it again. Raises NotFound."""
        self.sample_path(file)
        with self._lock:
            others = tuple(one for one in self.record.hidden if one != file)
            self.change(hidden=(*others, file) if hidden else others)

    def delete_sample(self, file: str) -> None:
        """Delete a picture. Raises NotFound."""
        path = self.sample_path(file)
        with self._lock:
            path.unlink(missing_ok=True)
            self.change(
                samples=tuple(one for one in self.record.samples if one != file),
                hidden=tuple(one for one in self.record.hidden if one != file),
            )

    def change(self, **values: Any) -> None:
        """Put new values into the record. Raises ValueError for a state that may not follow."""
        with self._lock:
            state = values.get("state", self.state)
            if state != self.state and state not in NEXT[self.state]:
                raise ValueError(f"A job that is {self.state} cannot become {state}.")
            self.record = replace(self.record, **values)
        self.listener(self)

    # Controls

    def pause(self) -> None:
        """Give the model back at the next step; what is done so far is kept."""
        with self._lock:
            self.steps_aside, self.rests_for = False, ""
            if self.state == QUEUED:
                self.change(state=PAUSED, message="")
            elif self.state in (PREPARING, RUNNING):
                self.control.pause()

    def rest(self, reason: str) -> None:
        """Give the model back at the next step, and say why."""
        with self._lock:
            if self.state in (PREPARING, RUNNING) and self.control.wish is Wish.GO_ON:
                self.rests_for = reason
                self.control.pause()

    def resume(self) -> None:
        """Go on with a job that rests, was stopped or failed, as soon as it is its turn; take back a pause."""
        with self.line_lock, self._lock:
            if self.state in (PREPARING, RUNNING):
                self.rests_for = ""
                self.control.go_on()
            elif self.state in (*RESTING, STOPPED, FAILED):
                self._line_up(QUEUED)

    def step_aside(self) -> None:
        """Give the model to a more important job, and go on after it."""
        with self._lock:
            if self.state in (PREPARING, RUNNING) and self.control.wish is Wish.GO_ON:
                self.steps_aside = True
                self.control.pause()

    def stop(self) -> None:
        """End without a save."""
        with self._lock:
            if self.state in ON_THE_MODEL:
                self.control.stop()
                self.change(state=STOPPING)
            elif self.state in (QUEUED, *RESTING):
                self.change(state=STOPPED, message="", ended=time.time())

    def stop_and_save(self) -> None:
        """End with a save of what is learned so far; from a pause, that needs the model once more."""
        with self.line_lock, self._lock:
            if self.state in ON_THE_MODEL:
                self.control.stop_and_save()
                self.change(state=STOPPING)
            elif self.state in (QUEUED, *RESTING) and not self.has_state:
                self.change(state=STOPPED, message="", ended=time.time())
            elif self.state in (QUEUED, *RESTING):
                self._line_up(STOPPING)
                self.control.stop_and_save()

    def more(self, steps: int) -> None:
        """Train a job that ended `steps` further. Raises UserError when it has not ended, or for a wrong number."""
        if not 0 < steps <= 1_000_000:
            raise UserError(Sentence("more_steps", "The number of steps must lie between 1 and 1000000."))
        with self.line_lock, self._lock:
            if self.state not in (FINISHED, STOPPED) or not self.has_state:
                raise UserError(Sentence("not_ended", "Only a run that has ended can be trained further."))
            total = self.record.step + steps
            self.config = replace(self.config, steps=total)
            values = options.merged(self.record.values, {"steps": total})
            self.change(values=values, config=options.to_values(self.config), total_steps=total)
            self._line_up(QUEUED)

    def _line_up(self, state: str) -> None:
        if self.deleted:
            raise no_job(self.id)
        if self.problem:
            raise UserError(self.problem)
        self.control, self.steps_aside, self.rests_for = Control(), False, ""
        self.change(state=state, message="", ended=0.0, place=0.0)
        self._enqueue(self)

    def line_up_again(self) -> None:
        """After it stepped aside, unless somebody wished otherwise meanwhile: wait at the place that it had."""
        with self.line_lock, self._lock:
            if self.steps_aside and self.state == PAUSED:
                self.control, self.steps_aside = Control(), False
                self.change(state=QUEUED, message="")
                self._enqueue(self)

    def hold_back(self, reason: str) -> None:
        """It is the job's turn, but it may not have it now."""
        with self._lock:
            if self.state == QUEUED:
                self.change(state=PAUSED, message=reason)

    # What the runner tells

    def begin(self, device: str = "") -> bool:
        """Called when it is the job's turn, on that device; False when it was paused or stopped meanwhile."""
        with self._lock:
            if self.state == QUEUED:
                self.change(state=PREPARING, message="", device=device)
            return self.state in (PREPARING, STOPPING)

    def take(self, event: Event) -> None:
        """Note an event of the run. How it ends is told by `end`, after all is tidied up."""
        if isinstance(event, Preparing) and self._too_soon(event):
            return
        with self._lock:
            self.change(**self._news(event))
        self.feed.append(event)
        self.at_event()

    def end(self, state: str, **values: Any) -> None:
        """The run has given the model back. Who wished for a stop while it was being paused has it stopped."""
        with self.line_lock, self._lock:
            if state == PAUSED and self.control.wish is Wish.STOP:
                state = STOPPED
            if state in ENDED:
                self.store = None
                values["ended"] = time.time()
            if state == PAUSED and self.rests_for:
                values["message"] = self.rests_for
            self.change(state=state, seconds_left=0.0, **values)
            if state == PAUSED and self.control.wish is Wish.STOP_AND_SAVE and not self.record.message:
                self.stop_and_save()

    def _news(self, event: Event) -> dict[str, Any]:
        """What of the record an event changes."""
        if isinstance(event, Started):
            running = {"state": RUNNING} if self.state == PREPARING else {}
            return {**running, "step": event.first_step, "total_steps": event.total_steps, "family": event.family}
        if isinstance(event, Step):
            return {"step": event.step, "seconds_left": event.seconds_left}
        if isinstance(event, Saved):
            save = Save(Path(event.path).name, event.step, event.final)
            return {"saves": (*(one for one in self.record.saves if one.file != save.file), save)}
        if isinstance(event, Sample):
            return {"samples": (*self.record.samples, Path(event.path).name)}
        if isinstance(event, Validated) and event.best:
            return {"best_step": event.step}
        if isinstance(event, Finished) and event.best_step:
            return {"step": event.step, "best_step": event.best_step}
        if isinstance(event, (Paused, Failed, Finished)):
            return {"step": event.step}
        return {}

    def _too_soon(self, event: Preparing) -> bool:
        """Whether an event of preparation tells too little that is new."""
        now = time.monotonic()
        told = event.phase == self._phase and event.done < event.total and now - self._prepared_at < PREPARING_EVERY
        if not told:
            self._phase, self._prepared_at = event.phase, now
        return told


def no_job(job_id: str) -> NotFound:
    return NotFound(Sentence("no_job", "There is no run '{id}' (any more).", id=job_id))
