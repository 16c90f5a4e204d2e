"""The runs of a page's data folder, read beside the program that may be running them."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

from .. import options
from ..errors import UserError
from ..history import Past
from ..sentences import Sentence
from .past import past_of
from .record import Record
from .recovery import in_own_folder
from .store import FILE, PATIENCE

RUNS = "runs"
"""Where the folders of jobs lie below a private data folder."""


def past_runs(folder: Path) -> list[Past]:
    """What the list of jobs in a private data folder tells, the newest first. Raises UserError."""
    return [
        past_of(record, in_own_folder(options.read(record.config)[0], folder / RUNS, record.id))
        for record in records_in(folder)
    ]


def records_in(folder: Path) -> list[Record]:
    """The records of all jobs in a private data folder, the newest first; none where there is no list yet.

    Nothing is written, and no job is taken over. Raises UserError for a list that cannot be read.
    """
    file = folder / FILE
    if not file.is_file():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", PATIENCE, uri=True)) as database:
            rows = database.execute("SELECT record FROM job").fetchall()
    except sqlite3.Error as error:
        sentence = "The list of runs in '{path}' cannot be read ({reason})."
        raise UserError(Sentence("jobs_unreadable", sentence, path=str(file), reason=str(error))) from error
    records = []
    for (text,) in rows:
        with contextlib.suppress(ValueError, TypeError, KeyError):  # of a version that nobody knows
            records.append(Record.from_json(json.loads(text)))
    return sorted(records, key=lambda record: record.created, reverse=True)
