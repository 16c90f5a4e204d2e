"""`python -m lora_trainer.jobs.child`: the far end of `process.OwnProcessRunner`, a process that runs one job."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from .. import options, own_process, packages, sentences
from ..config import TrainConfig
from ..control import Control, Wish
from ..errors import ConfigError, UserError
from ..events import Event, Started
from ..events import to_json as event_values
from ..sentences import Sentence
from .runner import nothing_to_do


def main() -> int:
    """Run the job that the first line of the input describes, as further lines wish, and tell its events."""
    own_process.begin()
    for meant in (signal.SIGINT, signal.SIGTERM):  # Ctrl+C, and a service's end that all of its processes are told
        signal.signal(meant, signal.SIG_IGN)  # for whoever began this, whose end is heard
    wishes, told = _pipes()
    task = json.loads(wishes.readline() or b"null")
    if task is None:  # nobody is there any more
        return 1
    control, alone = Control(), threading.Event()
    threading.Thread(target=_obey, args=(wishes, control, alone), daemon=True).start()
    try:
        for event in _run(task, control, alone):
            _tell(told, {"event": event_values(event), "sentences": _sentences_of(event)})
    except UserError as error:
        _tell(told, {"problem": sentences.to_json(error.sentence), "kind": type(error).__name__})
    except Exception as error:  # noqa: BLE001  a mistake in this program: said with what it was
        traceback.print_exc()
        _tell(told, {"mistake": repr(error)})
    return 0


def _pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Input and output of our own: packages that print, or look at the standard ones as they load, find others.

    On Windows a library may wait for ever when it asks what kind of thing an input is that a thread is reading.
    """
    wishes, told = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdout = sys.stderr
    return wishes, told


def _obey(wishes: IO[bytes], control: Control, alone: threading.Event) -> None:
    """Hand on every wish. At the end of them nobody is there any more, who would want this to go on."""
    with contextlib.suppress(OSError, ValueError):
        for line in wishes:
            control.want(Wish(json.loads(line)["wish"]))
    alone.set()
    control.pause()


def _run(task: Mapping[str, Any], control: Control, alone: threading.Event) -> Iterator[Event]:
    """The run's events. One that is alone before its first step has nothing to keep."""
    from ..data.cache import open_store
    from ..host.standalone import StandaloneHost
    from ..train import train

    packages.use({name: Path(folder) for name, folder in task["packages"].items()})
    config = _config_of(task)
    host = StandaloneHost(config.base, replace(config.memory, device=task["device"]))
    store = open_store(config.data, Path(task["cache"]))
    started = False
    for event in train(config, host, control, resume=task["going_on"], store=store):
        started = started or isinstance(event, Started)
        yield event
        if alone.is_set() and not started and nothing_to_do(control.wish, going_on=task["going_on"]):
            return


def _config_of(task: Mapping[str, Any]) -> TrainConfig:
    """The options; a device that they name is called otherwise where no other is seen."""
    config, problems = options.read(task["config"])
    if problems:
        raise ConfigError(problems)
    if config.memory.device == "auto":
        return config
    return replace(config, memory=replace(config.memory, device=task["device"]))


def _sentences_of(event: Event) -> dict[str, Any]:
    """The event's values that can be translated, by name."""
    values = ((item.name, getattr(event, item.name)) for item in dataclasses.fields(event))
    return {name: sentences.to_json(value) for name, value in values if isinstance(value, Sentence)}


def _tell(told: IO[bytes], values: Mapping[str, Any]) -> None:
    """Whether somebody hears it makes no difference to the run."""
    with contextlib.suppress(OSError, ValueError):
        told.write(json.dumps(values, default=str).encode("ascii") + b"\n")
        told.flush()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # Python would wait for the thread that still listens
