"""A look at the jobs that a data folder keeps, for a program that takes no part in running them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from ..errors import UserError
from ..sentences import Sentence
from .record import Record
from .store import FILE


def records_in(folder: Path) -> list[Record]:
    """The records of all jobs in a private folder, the newest first; none where there is no list yet.

    Nothing is written, and no job is taken over. Raises UserError for a list that cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
            rows = database.execute("SELECT record FROM job").fetchall()
        records = [Record.from_json(json.loads(row[0])) for row in rows]
    except (sqlite3.Error, ValueError, TypeError, KeyError) as error:
        sentence = "The list of runs in '{path}' cannot be read: {reason}."
        raise UserError(Sentence("jobs_unreadable", sentence, path=str(path), reason=str(error))) from error
    return sorted(records, key=lambda record: record.created, reverse=True)
