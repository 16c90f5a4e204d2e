"""The list of jobs as a program finds it at its start."""

from __future__ import annotations

from pathlib import Path

from .copies import Copies
from .record import Record
from .store import JobStore


def open_list(folder: Path) -> tuple[JobStore, list[Record]]:
    """The store beside `folder`, where jobs run, and the records of all jobs that are this program's from now on.

    Jobs that the list has lost, with all of itself or not, are found again by their folders. Raises UserError.
    """
    copies = Copies(folder)
    ids = copies.ids()  # first: of what comes into the list later nothing is lost
    store = JobStore(folder.parent)
    try:
        records = store.adopt()
        records += store.restore(copies.read(store.missing(ids), without_copy=store.anew))
    except BaseException:
        store.close()
        raise
    return store, records
