"""Runs jobs in processes of their own, on other devices of this machine than the one that the host's model lies on.

`child` is the other end. The two speak lines of JSON: the task and the wishes go in, events come out. When this end is
gone, however it ended, the other one finds its input closed: it pauses, which leaves a state, and ends.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from .. import errors, options, sentences
from ..config import TrainConfig
from ..control import Wish
from ..errors import ConfigError, UserError
from ..events import Event, Failed, Finished, Paused, from_json
from ..host.base import Host
from ..sentences import Sentence
from .bases import require_file
from .job import Job
from .runner import EndedFromOutside, EventRunner

log = logging.getLogger(__name__)

LOG = "process.log"
"""In the job's folder: whatever its processes and their packages had to say."""
WORDS = (sys.executable, "-m", f"{__package__}.child")
ROOT = Path(__file__).parents[2]
LAST_WORDS = 60.0
"""Seconds in which a process that has told its end must be gone."""


class OwnProcessRunner(EventRunner):
    """Runs each job in a process of its own that sees `device`; the host only publishes what comes out.

    `environment` are variables that the process has beside ours.
    """

    def __init__(self, host: Host, device: str, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(host)
        self._device, self._environment = device, dict(environment or {})

    def require_base(self, job: Job) -> None:
        require_file(job, Path(self._config(job).base.checkpoint))

    def events(self, job: Job, *, going_on: bool) -> Generator[Event, None, None]:
        task = {
            "config": options.to_values(self._config(job)),
            "device": self._device,
            "going_on": going_on,
            "cache": str(job.folder.cache),
            "packages": _places_of_packages(),
        }
        with _child(task, job.folder.output / LOG, self._environment) as child, job.control.followed(child.wish):
            yield from child.events()

    def _config(self, job: Job) -> TrainConfig:
        config = config_elsewhere(self._host, job.config)
        if config is None:
            sentence = "The base '{name}' is no file that another process could open: select it in the WebUI."
            raise UserError(Sentence("base_no_file", sentence, name=job.config.base.checkpoint))
        return config


def config_elsewhere(host: Host, config: TrainConfig) -> TrainConfig | None:
    """A run's options as a process without this host needs them; None where it could not open the base."""
    elsewhere = getattr(host, "elsewhere", None)
    return elsewhere(config) if elsewhere else None


class Child:
    """The near end of a process that runs a job."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def tell(self, values: Mapping[str, Any]) -> None:
        """What has gone already hears nothing, which its events show."""
        with contextlib.suppress(OSError, ValueError):
            pipe = _there(self._process.stdin)
            pipe.write(json.dumps(values, default=str).encode("ascii") + b"\n")
            pipe.flush()

    def wish(self, wish: Wish) -> None:
        self.tell({"wish": wish.value})

    def events(self) -> Iterator[Event]:
        """As they come. Raises what the run raised, and EndedFromOutside when they end without an end."""
        last: Event | None = None
        for line in _there(self._process.stdout):
            if not line.endswith(b"\n"):  # it was killed in the middle of a word
                break
            last = _understood(line)
            yield last
        code = self._wait()
        if not isinstance(last, (Paused, Failed, Finished)):
            raise EndedFromOutside(_how(code))

    def end(self) -> None:
        """Whatever it does, it is gone afterwards."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not read by the other end any more
                _there(pipe).close()

    def _wait(self) -> int:
        try:
            return self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


@contextlib.contextmanager
def _child(task: Mapping[str, Any], log_file: Path, environment: Mapping[str, str]) -> Iterator[Child]:
    """A process with its task; afterwards it is gone."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with log_file.open("ab") as told:
        process = subprocess.Popen(
            WORDS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        told.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} process {process.pid} on {task['device']}\n".encode())
    child = Child(process)
    try:
        child.tell(task)
        yield child
    finally:
        child.end()


def _understood(line: bytes) -> Event:
    """The event of a line. Raises what the line says that the run raised: a UserError of that kind, or RuntimeError."""
    values = json.loads(line)
    if "problem" in values:
        kind = getattr(errors, values["kind"], UserError)
        raise (UserError if kind is ConfigError else kind)(sentences.from_json(values["problem"]))
    if "mistake" in values:
        raise RuntimeError(f"{values['mistake']} (see {LOG} in the run's folder)")
    whole = {name: sentences.from_json(sentence) for name, sentence in values["sentences"].items()}
    return from_json({**values["event"], **whole})


def _how(code: int) -> str:
    """An exit code in words."""
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"code {code}"


def _places_of_packages() -> dict[str, str]:
    from .. import packages

    return {name: str(folder) for name, folder in packages.places().items()}


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("the process was begun without pipes")
    return pipe
