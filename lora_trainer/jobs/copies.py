"""A copy of each job's record in its own folder, DATA/runs/ID, so that the list of jobs is never the only place.

Where the list was lost, jobs are found again by their copies; those of a version that kept none, by what their runs
have left there: options, events and saves.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from .. import options
from ..config import TrainConfig
from ..datasets.store import own_id
from ..errors import UserError
from ..events import Event, Failed, Finished, Paused
from ..files.atomic import write_text
from ..files.json_object import object_or_empty
from ..run_folder import RunFolder
from .job import Job
from .record import Record
from .states import FAILED, FINISHED, PAUSED, PREPARING, STOPPED

log = logging.getLogger(__name__)

FILE, TIME = "record.json", "%Y%m%d-%H%M%S"
DATASETS = "datasets"
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OSError, UserError)


@dataclass(frozen=True)
class Copy:
    """A record and the name of the program that kept it; empty where that is not known."""

    record: Record
    keeper: str = ""


class Copies:
    """The copies of the jobs that run in folders below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: Record, keeper: str) -> None:
        """Raises UserError when it cannot be written."""
        values = {"keeper": keeper, "record": record.to_json()}
        write_text(self._folder / record.id / FILE, json.dumps(values, ensure_ascii=False, default=str), private=True)

    def has(self, job_id: str) -> bool:
        return (self._folder / job_id / FILE).exists()

    def forget(self, job_id: str) -> None:
        """Before anything else of a job goes: what has no copy is not found again."""
        with contextlib.suppress(OSError):
            (self._folder / job_id / FILE).unlink(missing_ok=True)

    def ids(self) -> list[str]:
        """The jobs that have a folder, the oldest first by their ids."""
        try:
            return sorted(path.name for path in self._folder.iterdir() if path.is_dir())
        except OSError:
            return []

    def read(self, ids: Collection[str], *, without_copy: bool = False) -> list[Copy]:
        """The copies of these jobs; `without_copy` also those that only their runs' own files tell of."""
        found = []
        for job_id in ids:
            copy = self._copy(job_id) or (self._by_its_files(job_id) if without_copy else None)
            if copy is not None:
                found.append(copy)
        return found

    def _copy(self, job_id: str) -> Copy | None:
        values = object_or_empty(self._folder / job_id / FILE)
        try:
            record = {**values["record"], "id": job_id} if values else None
            if record and values["record"].get("id") != job_id:
                record["tryout"] = ""  # a folder that was copied: the grid of that name is the other job's
            return Copy(Record.from_json(record), str(values["keeper"])) if record else None
        except UNREADABLE as error:
            log.error("The copy of the record of the run %s cannot be read (%r).", job_id, error)
            return None

    def _by_its_files(self, job_id: str) -> Copy | None:
        """A job as its run's options and events tell of it: no owner, no priority, no place in line."""
        try:
            for file in sorted((self._folder / job_id).glob("*.run/config.yaml")):
                config, _ = options.read(options.read_yaml(file))
                place = RunFolder(self._folder / job_id, file.parent.name.removesuffix(".run"))
                return Copy(_told_by(job_id, config, place, self._folder.parent / DATASETS))
        except UNREADABLE as error:
            log.error("The folder of the run %s cannot be read (%r).", job_id, error)
        return None


def _told_by(job_id: str, config: TrainConfig, place: RunFolder, datasets: Path) -> Record:
    values, name = options.to_values(config), config.save.name or place.name
    first = Path(config.data.folders[0].path) if config.data.folders else Path()
    record = Record(
        job_id,
        name,
        values,
        values,
        dataset=own_id(first.name) if first.parent.resolve() == datasets.resolve() else "",
        created=_created(job_id),
        state=PREPARING,
        total_steps=config.steps,
    )
    job, last = Job(record, config, lambda _: None), None
    for last in place.read_events():
        job.take(last)
    if last is None:
        return job.record
    state, message = _end(last)
    return replace(job.record, state=state or job.record.state, message=message)


def _end(last: Event) -> tuple[str, str]:
    """State and message of a job whose last event this is; no state where it was in the middle of its run."""
    if isinstance(last, Finished):
        return (STOPPED if last.stopped else FINISHED), ""
    if isinstance(last, Paused):
        return PAUSED, last.message
    if isinstance(last, Failed):
        return FAILED, last.message
    return "", ""


def free_id(folder: Path) -> str:
    """A new id: it sorts by time as the clock does, fits every file system and address, and never comes twice."""
    while (folder / (name := f"{time.strftime(TIME)}-{secrets.token_hex(2)}")).exists():
        continue
    return name


def _created(job_id: str) -> float:
    """When the job was lined up, by its id; 0 when that tells nothing."""
    match = re.match(r"\d{8}-\d{6}", job_id)
    try:
        return time.mktime(time.strptime(match.group(), TIME)) if match else 0.0
    except (ValueError, OverflowError):
        return 0.0
