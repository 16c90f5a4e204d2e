"""Runs in a folder, as `train` writes them: NAME.run beside the LoRA, and those that were put aside for a later one."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from .. import options
from ..errors import ConfigError
from ..files.lock import is_held
from ..run_folder import RunFolder
from .notes import FILE
from .past import Past

ASIDE = re.compile(r"(?P<name>.+)\.run-\d+", re.DOTALL)
RUNNING, LEFT = "running", "interrupted"


def runs_in(folder: Path) -> list[Past]:
    """The runs in a folder; their ids are their paths. What cannot be read is left out."""
    return [run for place in _places(folder) if (run := _past(place)) is not None]


def _places(folder: Path) -> Iterator[RunFolder]:
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path.suffix == ".run" and path.is_dir():
                yield RunFolder(folder, path.stem)
            elif (aside := ASIDE.fullmatch(path.name)) and (path / "run").is_dir():
                yield RunFolder(path, aside["name"], path / "run")


def _past(place: RunFolder) -> Past | None:
    try:
        config, _ = options.read(options.read_yaml(place.config))
        written = [file.stat().st_mtime for file in place.path.iterdir() if file.is_file()]
    except (ConfigError, OSError):
        return None
    run = Past(place.path.as_posix(), config.save.name or place.name, place, config, place.path / FILE)
    facts, held = run.facts, _is_held(place)
    return Past(
        run.id,
        run.name,
        place,
        config,
        run.notes_file,
        state=RUNNING if held else facts.end or LEFT,
        created=min(written, default=0.0),
        ended=0.0 if held or not place.events.is_file() else place.events.stat().st_mtime,
        step=facts.step,
        total_steps=facts.total_steps,
        best_step=facts.best_step,
        over=not held and facts.end in ("finished", "stopped", "failed"),
    )


def _is_held(place: RunFolder) -> bool:
    try:
        return is_held(place.lock)
    except OSError:
        return False
