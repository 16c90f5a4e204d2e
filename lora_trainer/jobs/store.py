"""What survives the end of the program: the records of all jobs, in a small database.

Several programs may share a data folder. Each keeps its own jobs, under a name whose lock it holds as long as it lives;
whoever starts takes over the jobs of those that are gone. So a job has one keeper at every moment, and is run by nobody
else.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import UserError
from ..files.drives import is_on_network
from ..files.lock import is_held, locked
from ..sentences import Sentence
from .record import Record

log = logging.getLogger(__name__)

FILE, KEEPERS = "jobs.sqlite3", "keepers"
PATIENCE = 10.0
"""Seconds to wait for another program that writes."""
MIGRATIONS = (
    """
    CREATE TABLE job (id TEXT PRIMARY KEY, keeper TEXT NOT NULL, record TEXT NOT NULL);
    CREATE INDEX job_keeper ON job (keeper);
    """,
)
"""From one version of the database to the next; `user_version` counts those that were applied."""


class JobStore:
    """Records in `folder`, which is private. Every method raises UserError when the disk does not let it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._keepers = folder / KEEPERS
        self._name = f"{os.getpid()}-{secrets.token_hex(6)}"
        self._lock = threading.RLock()
        self._held = ExitStack()
        with self._sentences():
            self._keepers.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):  # where the system knows such a thing
                self._keepers.chmod(0o700)
            self._held.enter_context(_kept_locked(self._keepers / self._name))
        self._database = self._opened()

    def adopt(self) -> list[Record]:
        """Take over what programs kept that are gone. All of it that can be read."""
        with self._writing() as database:
            keepers = [row[0] for row in database.execute("SELECT DISTINCT keeper FROM job")]
            gone = [name for name in keepers if name != self._name and not self._is_alive(name)]
            marks = ", ".join("?" * len(gone))
            rows = database.execute(f"SELECT record FROM job WHERE keeper IN ({marks})", gone).fetchall()
            database.execute(f"UPDATE job SET keeper = ? WHERE keeper IN ({marks})", [self._name, *gone])
        for name in gone:
            with contextlib.suppress(OSError):
                (self._keepers / name).unlink(missing_ok=True)
        return [record for row in rows if (record := _read(row[0])) is not None]

    def put(self, record: Record) -> None:
        """Keep a record in place of the one that was kept of this job; it is on the disk on return."""
        text = json.dumps(record.to_json(), ensure_ascii=False, default=str)
        with self._writing() as database:
            database.execute(
                "INSERT INTO job VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                (record.id, self._name, text),
            )

    def delete(self, job_id: str) -> None:
        with self._writing() as database:
            database.execute("DELETE FROM job WHERE id = ?", (job_id,))

    def close(self) -> None:
        """Let others have what is kept here. No method may be called afterwards."""
        with self._lock:
            self._database.close()
            self._held.close()

    def _is_alive(self, keeper: str) -> bool:
        """Whether the program of that name still runs; on a disk without locks none is thought to."""
        try:
            return is_held(self._keepers / keeper)
        except OSError:
            return False

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is applied whole, or not at all when something is raised."""
        with self._lock, self._sentences():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise UserError(
                Sentence(
                    "jobs_not_kept",
                    "The list of runs cannot be kept in '{path}' ({reason}): what waits would be lost at the end of "
                    "the program. Free some space, or let the program write there.",
                    path=str(self.path),
                    reason=str(error),
                )
            ) from error

    def _opened(self) -> sqlite3.Connection:
        """The database, as this version knows it; one that is damaged is put aside and begun anew."""
        with self._sentences():
            try:
                return self._connected()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                aside = self.path.with_name(f"{self.path.name}.damaged-{secrets.token_hex(3)}")
                log.error("The list of runs %s is damaged (%s); it was put aside as %s.", self.path, error, aside.name)
                self.path.rename(aside)
                for ending in ("-wal", "-shm", "-journal"):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
                return self._connected()

    def _connected(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            # WAL needs memory that all programs share, which a network's drive does not have.
            database.execute(f"PRAGMA journal_mode = {'DELETE' if is_on_network(self.path) else 'WAL'}").fetchone()
            database.execute("PRAGMA synchronous = FULL")
            _migrate(database)
        except BaseException:
            database.close()
            raise
        return database


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the database to this version. One of a newer version is used as it is: tables only ever gain."""
    database.execute("BEGIN IMMEDIATE")
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in filter(str.strip, script.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number}")
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise


@contextmanager
def _kept_locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file of our own; on a disk without locks the file alone has to do."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(path))
        except OSError as error:
            log.warning("%s cannot be locked (%s): do not use this folder from two programs at once.", path, error)
        try:
            yield
        finally:
            held.close()
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _read(text: str) -> Record | None:
    try:
        return Record.from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("The record of a run cannot be read (%r); it stays in the list and is not shown.", error)
        return None
