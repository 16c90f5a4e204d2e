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
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..errors import UserError
from ..files.drives import is_on_network
from ..files.json_object import aside_of
from ..files.lock import is_held, locked
from ..sentences import Sentence
from .copies import Copy
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
    """Records in `folder`, which is private. Every method raises UserError when the disk does not let it.

    A damaged list is put aside and begun anew. One of a newer version is left as it is: UserError.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._keepers = folder / KEEPERS
        self.name = f"{os.getpid()}-{secrets.token_hex(6)}"
        """Under which this program keeps its jobs."""
        self.anew = False
        """Whether there was no list, or none that could be read."""
        self.put_aside: Sentence | None = None
        """What was done about a damaged list."""
        self._lock = threading.RLock()
        self._held = ExitStack()
        with self._sentences():
            self._keepers.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):  # where the system knows such a thing
                self._keepers.chmod(0o700)
            self._held.enter_context(_kept_locked(self._keepers / self.name))
        try:
            self._database = self._opened()
        except UserError:
            self._held.close()
            raise

    def adopt(self) -> list[Record]:
        """Take over what programs kept that are gone: all of it that can be read, the oldest first by no clock."""
        with self._writing() as database:
            keepers = [row[0] for row in database.execute("SELECT DISTINCT keeper FROM job")]
            gone = [name for name in keepers if name != self.name and not self._is_alive(name)]
            marks = ", ".join("?" * len(gone))
            query = f"SELECT record FROM job WHERE keeper IN ({marks}) ORDER BY rowid"
            rows = database.execute(query, gone).fetchall()
            database.execute(f"UPDATE job SET keeper = ? WHERE keeper IN ({marks})", [self.name, *gone])
        for name in gone:
            with contextlib.suppress(OSError):
                (self._keepers / name).unlink(missing_ok=True)
        return [record for row in rows if (record := _read(row[0])) is not None]

    def missing(self, ids: Collection[str]) -> list[str]:
        """Which of these jobs nobody keeps."""
        with self._writing() as database:
            kept = {row[0] for row in database.execute("SELECT id FROM job")}
        return [one for one in ids if one not in kept]

    def restore(self, copies: Collection[Copy]) -> list[Record]:
        """Keep jobs that were found again, and give their records; not those of a program that still has them."""
        mine = [copy.record for copy in copies if not (copy.keeper and self._is_alive(copy.keeper))]
        with self._writing() as database:
            return [record for record in mine if self._entered(database, record)]

    def _entered(self, database: sqlite3.Connection, record: Record) -> bool:
        """Whether the job was not there yet."""
        row = (record.id, self.name, _text(record))
        return database.execute("INSERT OR IGNORE INTO job VALUES (?, ?, ?)", row).rowcount > 0

    def put(self, record: Record) -> None:
        """Keep a record in place of the one that was kept of this job; it is on the disk on return."""
        with self._writing() as database:
            database.execute(
                "INSERT INTO job VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                (record.id, self.name, _text(record)),
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
                    reason=getattr(error, "strerror", None) or str(error),
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
                self._set_aside(str(error))
                return self._connected()

    def _set_aside(self, reason: str) -> None:
        """Give the damaged files other names, by which they still belong together."""
        aside = aside_of(self.path)
        for ending in ("-wal", "-shm", "-journal", ""):
            with contextlib.suppress(FileNotFoundError):
                self.path.with_name(self.path.name + ending).rename(aside.with_name(aside.name + ending))
        self.put_aside = Sentence(
            "jobs_put_aside",
            "The list of runs was damaged ({reason}). It was put aside as '{aside}' and made anew from the folders of "
            "the runs.",
            reason=reason,
            aside=aside.name,
        )
        log.error("%s", self.put_aside)

    def _connected(self) -> sqlite3.Connection:
        self.path.touch(mode=0o600)
        database = sqlite3.connect(self.path, PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._refuse_newer(database)
            _require_sound(database)
            _set_journal(database, "DELETE" if is_on_network(self.path) else "WAL")
            database.execute("PRAGMA synchronous = FULL")
            self.anew = _migrate(database)
            _require_table(database)
        except BaseException:
            database.close()
            raise
        return database

    def _refuse_newer(self, database: sqlite3.Connection) -> None:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise UserError(
                Sentence(
                    "jobs_newer",
                    "The list of runs in '{path}' is of a newer version of Train LoRA. It is left as it is, and no run "
                    "can be lined up: update Train LoRA, or use another data folder.",
                    path=str(self.path),
                )
            )


def _set_journal(database: sqlite3.Connection, mode: str) -> None:
    """The wished journal, or the plain one: WAL needs memory that all programs share, which not every drive has."""
    for wished in dict.fromkeys((mode, "DELETE")):
        with contextlib.suppress(sqlite3.OperationalError):
            (found,) = database.execute(f"PRAGMA journal_mode = {wished}").fetchone()
            if found.upper() == wished:
                return
    log.warning("The list of runs keeps the journal that it has: the drive allows no other.")


def _require_sound(database: sqlite3.Connection) -> None:
    """Raise DatabaseError for a list that is damaged anywhere; it is small, so all of it is looked at."""
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(" ".join(str(found).split()))


def _require_table(database: sqlite3.Connection) -> None:
    if not database.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'job'").fetchone():
        raise sqlite3.DatabaseError("it has no table of runs")


def _migrate(database: sqlite3.Connection) -> bool:
    """Bring the database to this version; whether there was nothing in it."""
    database.execute("BEGIN IMMEDIATE")
    try:
        version: int = database.execute("PRAGMA user_version").fetchone()[0]
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            for statement in filter(str.strip, script.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number}")
        database.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            database.execute("ROLLBACK")
        raise
    return version == 0


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


def _text(record: Record) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False, default=str)


def _read(text: str) -> Record | None:
    try:
        return Record.from_json(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        log.error("The record of a run cannot be read (%r); it stays in the list and is not shown.", error)
        return None
