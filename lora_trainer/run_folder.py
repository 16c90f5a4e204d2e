"""The folder of a run, NAME.run: its configuration, environment, events, state and samples."""

from __future__ import annotations

import contextlib
import json
import logging
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from . import __version__, options
from .config import TrainConfig
from .errors import UserError
from .events import Event, from_json, to_json
from .files.atomic import write_text
from .files.names import final_name, step_name

log = logging.getLogger(__name__)

MOST_PENDING = 64 * 2**20
"""Bytes of events that are kept in memory while the disk does not take them."""
PACKAGES = ("torch", "diffusers", "peft", "transformers", "safetensors", "numpy", "pillow")


class RunFolder:
    """Paths of a run and what is written there. `path` is OUTPUT/NAME.run, unless the run was put aside."""

    def __init__(self, output: Path, name: str, path: Path | None = None) -> None:
        self.output, self.name = output, name
        self.path = path or output / f"{name}.run"
        self.config = self.path / "config.yaml"
        self.events = self.path / "events.jsonl"
        self.environment = self.path / "environment.json"
        self.states = self.path / "state"
        self.samples = self.path / "samples"
        self.proposal = self.path / "proposal.json"
        self.cache = self.path / "cache"
        self.curves = self.path / "tensorboard"
        self.lock = self.path / "lock"

    @property
    def lora(self) -> Path:
        """The finished LoRA."""
        return self.output / final_name(self.name)

    def save_path(self, step: int) -> Path:
        """The save after `step` steps."""
        return self.output / step_name(self.name, step)

    def saves(self) -> list[Path]:
        """The saves on disk, oldest first."""
        prefix = f"{self.name}-step"
        found = [path for path in self.output.glob("*.safetensors") if path.stem.startswith(prefix)]
        return sorted(path for path in found if path.stem[len(prefix) :].isdigit())

    def create(self, config: TrainConfig, environment: dict[str, Any]) -> None:
        """Make the folder and write down what the run is."""
        self.samples.mkdir(parents=True, exist_ok=True)
        self.states.mkdir(exist_ok=True)
        write_text(self.config, options.to_yaml(config))
        write_text(self.environment, json.dumps(environment, indent=2, ensure_ascii=False))

    def note(self, name: str, values: Any) -> None:
        """Add something that came about on the way to what was written down about the run's environment."""
        environment = {**self.read_environment(), name: values}
        write_text(self.environment, json.dumps(environment, indent=2, ensure_ascii=False))

    def read_environment(self) -> dict[str, Any]:
        """What was written down about the run's environment; nothing where that cannot be read."""
        try:
            values = json.loads(self.environment.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return values if isinstance(values, dict) else {}

    def put_aside(self) -> Path | None:
        """Move an earlier run of the same name, with its files, to NAME.run-1, -2 ...; None when there is none.

        Raises UserError when a file is held open by another program.
        """
        earlier = [path for path in (self.lora, *self.saves(), self.path) if path.exists()]
        if not earlier:
            return None
        place = next(path for n in range(1, 100000) if not (path := Path(f"{self.path}-{n}")).exists())
        place.mkdir()
        for path in earlier:
            try:
                path.rename(place / ("run" if path == self.path else path.name))
            except OSError as error:
                raise UserError(
                    f"{path} of an earlier run cannot be moved to {place} ({error.strerror}). Close the program that "
                    "uses it, or give this LoRA another name."
                ) from error
        return place

    def truncate_events(self, step: int) -> None:
        """Forget the events after `step`: the steps that a killed run took after its last state are taken again."""
        kept = []
        for line in self._lines():
            with contextlib.suppress(ValueError, KeyError):  # a killed run may leave half a line
                if json.loads(line).get("step", 0) <= step:
                    kept.append(line)
        write_text(self.events, "".join(f"{line}\n" for line in kept))

    def read_events(self) -> Iterator[Event]:
        """All events on record that this version knows; none when there is no record (any more)."""
        for line in self._lines():
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, UserError):
                yield from_json(json.loads(line))

    def _lines(self) -> list[str]:
        try:
            return self.events.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []


class EventLog:
    """Appends events to events.jsonl, a line each, at once.

    A disk that takes nothing for a while ends no run: what it did not take is written with the next event.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Unbuffered: so it is known how much of a line a full disk has taken.
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._pending = b"" if _ends_a_line(path) else b"\n"

    def write(self, event: Event) -> None:
        known = len(self._pending)
        self._pending += (json.dumps(to_json(event), ensure_ascii=False) + "\n").encode("utf-8", "replace")
        try:
            while self._pending:
                self._pending = self._pending[self._file.write(self._pending) :]
        except OSError as error:
            if not known:
                log.warning("Events cannot be written to '%s' at present: %s", self._path, error)
            if len(self._pending) > MOST_PENDING:
                raise

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._pending:
                self._file.write(self._pending)
        with contextlib.suppress(OSError):
            self._file.close()


def _ends_a_line(path: Path) -> bool:
    """Whether a file is empty or ends with a whole line: a program that was killed may leave half a one."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def describe_environment(device: str, base: dict[str, Any], host: str = "") -> dict[str, Any]:
    """Versions, system, kind of host, device and base of a run."""
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return {
        "train_lora": __version__,
        "python": sys.version.split()[0],
        "system": platform.platform(),
        "host": host,
        "device": device,
        "packages": versions,
        "base": base,
    }
