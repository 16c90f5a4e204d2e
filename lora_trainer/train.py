"""The training: a configuration and a host in, a stream of events out."""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path

from . import devices
from .advice.catalogue import Adviser
from .advice.errors import explain
from .config import TrainConfig
from .control import Control, Wish
from .data.cache import Store
from .devices import is_out_of_memory
from .errors import BaseAway, DiskError, TrainingError, UserError
from .events import Event, Failed, Finished, Paused, Step, Warned
from .files.atomic import write_text
from .files.disk import is_of_writing
from .host.base import Host, Loan
from .portions import MAY_RUN_OUT
from .run_folder import describe_environment
from .state import State, newest_step
from .training import milestones
from .training.comparison import compared
from .training.prepare import PreparedRun, encode_captions, prepare
from .training.step import StepResult
from .training.survey import Survey, last_step, open_folder, open_records, survey

EXPECTED = (UserError, OSError, MemoryError, RuntimeError)
"""What can go wrong without a mistake in this program: said in a sentence, and the host gets its model back."""


def train(
    config: TrainConfig,
    host: Host,
    control: Control | None = None,
    *,
    resume: bool = False,
    store: Store | None = None,
) -> Iterator[Event]:
    """Train as `config` says on the model that `host` holds; what happens comes as events.

    A pause ends the stream with Paused: the host has its model back, and `resume` goes on as if nothing had been.
    `store` keeps what is encoded from one part of such a run to the next; by default it goes with the run.

    Wrong options raise ConfigError, unusable pictures or bases DataError and BaseModelError, before the model is
    touched. What goes wrong later comes as a Failed event, and a disk that takes nothing more as Paused; saves and
    states written until then are intact.
    """
    try:
        known = survey(config, host)
    except BaseAway as error:
        yield Paused(last_step(config), error.sentence)
        return
    state, remarks = open_folder(known, resume)
    with open_records(known) as record:
        events = _guarded(known, host, control or Control(), state, remarks, store)
        for event in advised(Adviser(known.config), events):
            record(event)
            yield event


def advised(adviser: Adviser, events: Iterator[Event]) -> Iterator[Event]:
    """A run's events, each with the advice that it calls for before it: a run's end stays the last of all."""
    for event in events:
        yield from adviser.see(event)
        yield event


def _guarded(
    known: Survey, host: Host, control: Control, state: State | None, remarks: list[Warned], store: Store | None
) -> Iterator[Event]:
    """The run; what can be expected to go wrong ends it with Failed, its details in the run's error.txt."""
    step = state.step if state else 0
    try:
        yield from remarks
        with host.lend() as loan:
            # A save needs what is prepared, where there is something to save.
            ends = (Wish.STOP,) if step else (Wish.STOP, Wish.STOP_AND_SAVE)
            run = yield from _unless(start(known, loan, state, store), control, ends)
            if run is None:
                yield Finished(step, path="", best_step=0, best_path="", seconds=0.0, stopped=True)
                return
            for event in run_steps(run, host, loan, control):
                step = getattr(event, "step", step)
                yield event
    except BaseAway as error:  # before the first step: there is nothing to keep but what was there
        yield Paused(step, error.sentence)
    except DiskError as error:  # it goes on from its last state, when somebody has seen to the disk
        yield Paused(newest_step(known.folder.states), error.sentence)
    except EXPECTED as error:
        if is_of_writing(error):
            yield Paused(newest_step(known.folder.states), explain(error))
            return
        write_error(known.folder.path / "error.txt")
        yield Failed(step, explain(error, known.config))


def _unless(
    preparation: Generator[Event, None, PreparedRun], control: Control, wishes: tuple[Wish, ...]
) -> Generator[Event, None, PreparedRun | None]:
    """All of a preparation, or as much as there was until one of these wishes came; nothing is saved then."""
    while control.wish not in wishes:
        try:
            yield next(preparation)
        except StopIteration as end:
            return end.value
    preparation.close()
    return None


def start(
    known: Survey, loan: Loan, state: State | None = None, store: Store | None = None
) -> Generator[Event, None, PreparedRun]:
    """Write down what the run is, and make it ready for its first step."""
    environment = describe_environment(devices.label(loan.device), vars(known.info), known.host)
    known.folder.create(known.config, environment)
    if not state:
        yield from compared(known.data.pictures, known.config.data)
    return (yield from prepare(known.config, loan, known.plan(), known.folder, state, store))


def write_error(path: Path) -> None:
    """Keep the details of the exception that is being handled, where the disk allows it."""
    try:
        write_text(path, traceback.format_exc())
    except (OSError, UserError):
        return


def run_steps(run: PreparedRun, host: Host, loan: Loan, control: Control) -> Iterator[Event]:
    """All steps, and what is due between them."""
    run.saver.check_space(run.agenda)
    yield from (Warned("train_on", remark) for remark in run.model.adapters.remarks)
    yield run.started(devices.label(loan.device))
    pending: list[StepResult] = []
    last_state = time.monotonic()
    done, wish, away = run.first_step, Wish.GO_ON, ""
    while done < run.plan.total_steps:
        wish = control.wish
        if wish is not Wish.GO_ON:
            break
        try:
            yield from encode_captions(run.captions, done, run.pace.rates)
            run.meter.start()
            taken = yield from _take_step(run, host, done)
            pending.append(taken)
            done += 1
            due = run.agenda.anything_due(done)
            yield from _report(run, pending, keep=0 if due or loan.device.type == "cpu" else 1)
            if due:
                yield from milestones.at_step(run, done)
            if not run.first_step:
                yield from run.probes.between(rest=done == run.plan.total_steps)
        except BaseAway as error:
            away = error.sentence
            break
        if run.agenda.save_due(done) or time.monotonic() - last_state > 60 * run.config.save.state_minutes:
            milestones.keep_state(run, done)
            last_state = time.monotonic()
    yield from _report(run, pending, keep=0)
    if away or wish is Wish.PAUSE:
        yield from milestones.pause(run, done, away)
    else:
        yield from milestones.finish(run, done, wish)


def _take_step(run: PreparedRun, host: Host, step: int) -> Generator[Event, None, StepResult]:
    """Take a step, giving way before every micro-batch.

    A host may move its base without asking, in the middle of a step. Such a step is taken anew: it draws the same. So
    is one that runs out of memory, with less of it, which is told.
    """

    def between() -> None:
        host.give_way()

    moved = False
    while True:
        try:
            return run.stepper.take(step, between)
        except MAY_RUN_OUT as error:
            ran_out, reason = is_out_of_memory(error), str(error)
            moved = not ran_out and not moved and host.give_way()
            if not (ran_out or moved):
                raise
        # Only here is the error gone, and with it the frames that held what the step had made.
        if ran_out:
            yield from run.relief.ease(step, reason)
        else:
            run.model.forget_gradients()


def _report(run: PreparedRun, pending: list[StepResult], keep: int) -> Iterator[Event]:
    """Step events of launched steps, all but the last `keep`; raises TrainingError after too many bad ones."""
    while len(pending) > keep:
        result = pending.pop(0)
        loss, norm, finite = result.read()
        run.scaler.update(finite)
        smooth = run.meter.smooth(loss, finite)
        if not finite:
            yield from _bad_step(run, result.step)
        seconds = run.meter.lap()
        run.pace.took_step(result.step, seconds)
        yield Step(
            step=result.step + 1,
            epoch=run.plan.epoch_of(result.step) + 1,
            loss=loss if finite else 0.0,
            smooth_loss=smooth,
            rates=result.rates,
            gradient_norm=norm if finite else 0.0,
            seconds=seconds,
            seconds_left=run.pace.seconds_left(result.step + 1),
            memory_bytes=devices.used_memory(run.model.device),
            temperature=run.thermometer.read(),
        )


def _bad_step(run: PreparedRun, step: int) -> Iterator[Event]:
    """A step whose loss or gradients were no numbers was skipped. fp16 with a large factor may do that now and then."""
    if run.scaler.exhausted:
        yield Warned("bad_step", f"Step {step + 1} was skipped: its loss or gradients are no numbers.", step + 1)
    if run.meter.bad_in_a_row >= run.config.stop_after_bad_steps:
        raise TrainingError(
            f"{run.meter.bad_in_a_row} steps in a row had losses or gradients that are no numbers; the run was "
            "stopped, earlier saves are intact. Lower optimizer.learning_rate, or set memory.precision to bf16 or fp32."
        )
