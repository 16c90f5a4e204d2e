"""What a run leaves on its way: validations, saves, samples and states, and how it pauses or ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeVar

from .. import devices, optimizers
from ..control import Wish
from ..devices import is_out_of_memory
from ..events import Event, Finished, Paused, Saved, Validated, Warned
from ..portions import MAY_RUN_OUT
from ..sentences import Sentence
from .pace import SAMPLES, SAVE, STATE, VALIDATION
from .prepare import PreparedRun

T = TypeVar("T")


def at_step(run: PreparedRun, done: int) -> Iterator[Event]:
    """Validation, save and samples after `done` steps, as far as they are due. The end has its own save."""
    if run.agenda.validation_due(done):
        with run.pace.timed(VALIDATION):
            validated, told = _validate(run, done), list(run.probes.after(done))
        yield validated
        yield from told
    if run.agenda.save_due(done):
        yield _save(run, done, final=False)
    if run.agenda.sample_due(done):
        with run.pace.timed(SAMPLES):
            yield from run.sampler.draw(run.model, done, _with_room(run, run.saver.model_hash))


def _validate(run: PreparedRun, done: int) -> Event:
    """The validation after `done` steps; left out where memory does not suffice for one picture."""
    try:
        with optimizers.weights_for_use(run.model.optimizer), run.model.adapters.evaluating():
            loss = run.validation.measure(done)
    except MAY_RUN_OUT as error:
        if not is_out_of_memory(error):
            raise
        sentence = "The validation after step {step} was left out: memory does not suffice for it."
        return Warned.of(Sentence("memory_validation", sentence, step=done), done)
    if math.isfinite(loss):
        return Validated(done, loss, best=run.validation.best_step == done)
    return Warned("bad_validation", f"The validation after step {done} gave no number.", done)


def _save(run: PreparedRun, done: int, *, final: bool) -> Saved:
    with run.pace.timed(SAVE):
        return _with_room(run, lambda: run.saver.save_lora(done, final=final))


def _with_room(run: PreparedRun, work: Callable[[], T]) -> T:
    """What `work` gives; where memory runs out, once more with all that is the run's own off the device meanwhile."""
    try:
        return work()
    except MAY_RUN_OUT as error:
        if not is_out_of_memory(error):
            raise
    with run.model.aside():
        devices.release_memory(run.model.device)
        return work()


def pause(run: PreparedRun, done: int, away: str) -> Iterator[Event]:
    """Keep all that going on needs; whoever paused gets a save of this step, to try out what is learned so far."""
    keep_state(run, done)
    if done and not away and not run.saver.path_of(done):
        yield _save(run, done, final=False)
    yield Paused(done, away)


def keep_state(run: PreparedRun, done: int) -> None:
    thrift = run.relief.state()
    with run.pace.timed(STATE):
        _with_room(run, lambda: run.saver.save_state(done, run.meter, run.validation, run.scaler, thrift))


def finish(run: PreparedRun, done: int, wish: Wish) -> Iterator[Event]:
    """The last save, unless the run was told to stop without one."""
    stopped = done < run.plan.total_steps
    path = ""
    if wish is not Wish.STOP and done:  # before the first step there is nothing worth a file
        saved = _save(run, done, final=True)
        path = saved.path
        yield saved
    keep_state(run, done)
    best = run.validation.best_of(step for step in run.validation.losses if run.saver.path_of(step))
    yield Finished(
        step=done,
        path=path,
        best_step=best,
        best_path=run.saver.path_of(best) if best else "",
        seconds=run.meter.seconds,
        stopped=stopped,
    )
