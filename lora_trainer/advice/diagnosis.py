"""What went wrong with a run, read from its folder again."""

from __future__ import annotations

from pathlib import Path

from .. import options
from ..errors import UserError
from ..events import Advised
from ..run_folder import RunFolder
from .catalogue import Adviser


def diagnose(folder: RunFolder) -> list[Advised]:
    """All advice that the events on record call for. Raises UserError when `folder` holds no run's records."""
    if not (folder.events.exists() and folder.config.exists()):
        raise UserError(f"'{folder.path}' is not the folder of a run: it has no events.jsonl with a config.yaml.")
    adviser = Adviser(options.load(folder.config))
    return [advice for event in folder.read_events() for advice in adviser.see(event)]


def folder_of_run(path: Path) -> RunFolder:
    """The folder NAME.run by its path."""
    return RunFolder(path.parent, path.name.removesuffix(".run"))
