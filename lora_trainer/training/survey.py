"""What a run is, before the model is touched: options, base, pictures and folder looked at; its records opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import optimizers, options, wandb_log
from ..checks import Describe, check, checked
from ..config import NetworkOptions, TrainConfig
from ..curve_log import CurveLog
from ..data.plan import RunPlan
from ..data.records import DataSet
from ..data.scan import scan
from ..errors import BaseModelError, ConfigError, FileFormatError, UserError
from ..events import Event, Warned
from ..files.disk import disk_error
from ..files.family import UNKNOWN, family_of
from ..files.fingerprint import fingerprint
from ..files.lock import Held, is_held, locked
from ..files.names import name_problem, safe_stem
from ..host.base import BaseInfo, Host
from ..networks.base import NETWORKS
from ..networks.starting import file_to_train_on
from ..resolve import with_epochs, with_resolution
from ..run_folder import EventLog, RunFolder
from ..sentences import Sentence, captions_cut
from ..state import State, load_newest_state
from ..wandb_log import WandbLog

HARMLESS = ("save.", "samples.", "memory.device", "stop_after_bad_steps")
"""Options that may change between a run and its resumption without changing what is learned."""


@dataclass(frozen=True)
class Survey:
    """What is known before the model is touched: options with nothing left open, the base, the pictures, the folder."""

    config: TrainConfig
    info: BaseInfo
    data: DataSet
    folder: RunFolder
    host: str = ""
    """The kind of host that holds the base."""

    def plan(self) -> RunPlan:
        return RunPlan.from_config(self.data.pictures, self.config)


def survey(config: TrainConfig, host: Host) -> Survey:
    """Check options, base and pictures. Raises ConfigError, BaseModelError, BaseAway or DataError."""
    config = host.settle(config)
    check(config, lambda settled: host.describe())
    info = host.describe()
    _look_at_start(config.network, info)
    config = with_resolution(config, info)
    data = scan(config.data)
    config = with_epochs(config, data.pictures)
    return Survey(config, info, data, folder_of(config), host.kind)


def folder_of(config: TrainConfig) -> RunFolder:
    """Where the run of this configuration keeps its things."""
    return RunFolder(Path(config.save.output).expanduser(), safe_stem(config.save.name))


def last_step(config: TrainConfig) -> int:
    """The step that an earlier part of this run can go on from; 0 when there was none."""
    state = load_newest_state(folder_of(config).states)
    return state.step if state else 0


def _look_at_start(network: NetworkOptions, info: BaseInfo) -> None:
    """Raise FileFormatError when a LoRA to go on from is none, of another type, or for another kind of base."""
    if not network.train_on:
        return
    file = file_to_train_on(network.train_on, NETWORKS.get(network.type))
    family = family_of(file)
    if family not in (UNKNOWN, info.family):
        raise FileFormatError(
            f"'{network.train_on}' is a LoRA for {family}, but '{info.name}' is a base of {info.family}."
        )


@contextmanager
def open_records(known: Survey) -> Iterator[Callable[[Event], None]]:
    """A function that puts an event on record: in events.jsonl, as curves for TensorBoard, and where else one wants.

    Inside, the run's folder belongs to this run alone. Raises UserError when it is another's or cannot be written.
    """
    save = known.config.save
    folder = Path(save.log_folder).expanduser() / known.folder.name if save.log_folder else known.folder.curves
    with ExitStack() as stack:
        with _writing(known.folder):
            stack.enter_context(locked(known.folder.lock))
            log = stack.enter_context(closing(EventLog(known.folder.events)))
            curves = stack.enter_context(closing(CurveLog(folder, wanted=save.tensorboard)))
            elsewhere = stack.enter_context(closing(WandbLog(known.config, known.folder.path)))

        def record(event: Event) -> None:
            log.write(event)
            curves.write(event)
            elsewhere.write(event)

        yield record


def resumed_config(values: dict[str, Any], describe: Describe | None = None) -> TrainConfig:
    """The stored configuration of the run that `values` name by save.name and save.output, with `values` over it.

    Where there is no such run, `values` must hold a whole one. `describe` as in `check`. Raises ConfigError.
    """
    save = options.build({"save": values.get("save", {})}).save
    if not save.name:
        raise ConfigError(["save.name is not set: name the run that is to go on (--name)."])
    folder = RunFolder(Path(save.output).expanduser(), safe_stem(save.name))
    if folder.config.exists():
        return checked(options.merged(options.read_yaml(folder.config), values), describe)
    if not (values.get("base") and values.get("data")):
        raise ConfigError([f"There is no run {folder.path} to go on with. Check save.name and save.output (--output)."])
    return checked(values, describe)


def open_folder(known: Survey, resume: bool) -> tuple[State | None, list[Warned]]:
    """Make the run's folder ready: go on with the one that is there, or put it aside and begin a new one."""
    folder = known.folder
    remarks = [Warned("setting", sentence) for sentence in optimizers.remarks(known.config.optimizer)]
    if problem := name_problem(known.config.save.name):
        remarks.append(Warned("name", f"{problem} The LoRA gets that name."))
    remarks += [Warned("picture", str(problem)) for problem in known.data.problems]
    remarks += _long_captions(known)
    if unsent := wandb_log.problem(known.config):
        remarks.append(Warned.of(unsent))
    with _writing(folder):
        if is_held(folder.lock):
            raise Held
        state = load_newest_state(folder.states) if resume else None
        if state:
            _require_same_base(known, state)
            remarks += _changes_since(known, state)
            folder.truncate_events(state.step)
        elif resume:
            sentence = f"There is no state of '{folder.name}' to go on from: starting at step 0."
            remarks.append(Warned("no_state", sentence))
        if not state and (aside := folder.put_aside()):
            remarks.append(Warned("put_aside", f"The earlier run of this name was moved to {aside}."))
        folder.path.mkdir(parents=True, exist_ok=True)
    return state, remarks


def _long_captions(known: Survey) -> Iterator[Warned]:
    """One remark on all captions of which the text encoders do not see the end."""
    from ..text.length import tokens_cut_off

    most, pictures = known.config.base.max_tokens, known.data.pictures
    by_caption = tokens_cut_off(known.info.family, [picture.caption for picture in pictures], most)
    lost = {picture.name: by_caption[picture.caption] for picture in pictures if picture.caption in by_caption}
    if lost:
        choices = next(option.choices for option in options.walk() if option.path == "base.max_tokens")
        above = [choice for choice in choices if choice > most]
        higher = next((choice for choice in above if choice >= most + max(lost.values())), max(above, default=0))
        sentence = captions_cut(lost, len(pictures), most, higher)
        yield Warned("captions_cut", sentence, values=sentence.values)


@contextmanager
def _writing(folder: RunFolder) -> Iterator[None]:
    """Say in a sentence why a run's folder cannot be written to."""
    try:
        yield
    except Held as error:
        raise UserError(
            f"Another run called '{folder.name}' is training into {folder.output} right now. "
            "Wait for its end, or give this one another name or output folder."
        ) from error
    except OSError as error:
        if refused := disk_error(error, folder.path):
            raise refused from error
        raise UserError(
            f"The run's folder {folder.path} cannot be written ({error.strerror or error}). Choose another save.output."
        ) from error


def _require_same_base(known: Survey, state: State) -> None:
    """Raise BaseModelError when the base's file is another one than the run began with, though nobody said so."""
    path, before = known.info.path, state.values.get("base", "")
    named = options.load(known.folder.config).base.checkpoint if known.folder.config.exists() else ""
    if path and before and named == known.config.base.checkpoint and fingerprint(Path(path)) != before:
        raise BaseModelError(
            Sentence(
                "base_not_the_same",
                "The file of the base '{name}' is another one now than when '{run}' began ('{path}'). Put the earlier "
                "one back to go on, or train anew under another name.",
                name=known.info.name,
                path=path,
                run=known.folder.name,
            )
        )


def _changes_since(known: Survey, state: State) -> Iterator[Warned]:
    """What is different from the run that `state` was written by: allowed, but the end is then another one."""
    if state.values.get("fingerprint") != known.plan().fingerprint:
        sentence = "The pictures, captions or the seed were changed since: from here on, other batches follow."
        yield Warned("changed_data", sentence, state.step)
    before = options.load(known.folder.config) if known.folder.config.exists() else known.config
    changed = [path for path in options.differences(before, known.config) if not path.startswith(HARMLESS)]
    if changed:
        sentence = f"These options were changed since: {', '.join(changed)}. They hold from step {state.step} on."
        yield Warned("changed_options", sentence, state.step)
