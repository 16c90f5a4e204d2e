import sqlite3
import stat
import sys

import pytest

from lora_trainer.errors import UserError
from lora_trainer.jobs.record import Record, Save
from lora_trainer.jobs.store import MIGRATIONS, JobStore
from lora_trainer.sentences import Sentence


@pytest.fixture
def store(tmp_path):
    return JobStore(tmp_path)


def record(**values):
    return Record("20260101-000000-aaaa", "zorb", {"steps": 4}, **values)


def test_a_record_comes_back_as_it_was(tmp_path, store):
    message = Sentence("no_job", "There is no run '{id}' (any more).", id="x")
    kept = record(state="failed", message=message, saves=(Save("zorb.safetensors", 4, True),), samples=("1.png",))
    store.put(record())
    store.put(kept)
    store.close()
    (found,) = JobStore(tmp_path).adopt()
    assert found == kept and (found.message.code, found.message.values) == ("no_job", {"id": "x"})


def test_what_is_deleted_is_gone(tmp_path, store):
    store.put(record())
    store.delete(record().id)
    store.close()
    assert JobStore(tmp_path).adopt() == []


def test_a_job_has_one_keeper_as_long_as_its_program_lives(tmp_path, store):
    store.put(record())
    second, third = JobStore(tmp_path), JobStore(tmp_path)
    assert second.adopt() == []
    store.close()
    assert len(second.adopt()) == 1 and third.adopt() == []


def test_nobody_else_can_read_it(store):
    if sys.platform != "win32":
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_a_record_of_another_version_is_read_as_far_as_it_is_known():
    values = record(priority=3).to_json()
    del values["best_step"]
    assert Record.from_json({**values, "flavour": "salty"}) == record(priority=3)


def test_a_damaged_list_is_put_aside_and_begun_anew(tmp_path, store):
    store.put(record())
    store.close()
    store.path.write_bytes(b"not a database at all, " * 100)
    again = JobStore(tmp_path)
    again.put(record())
    assert [path.name.split("-")[0] for path in tmp_path.glob("*damaged*")] == ["jobs.sqlite3.damaged"]


def test_an_unreadable_record_takes_no_other_with_it(tmp_path, store):
    store.put(record())
    with sqlite3.connect(store.path) as database:
        database.execute("INSERT INTO job VALUES ('x', 'nobody', '[]')")
    store.close()
    assert [found.name for found in JobStore(tmp_path).adopt()] == ["zorb"]


def test_a_store_of_an_earlier_version_is_brought_up_to_date(tmp_path, store, monkeypatch):
    store.put(record())
    store.close()
    monkeypatch.setattr("lora_trainer.jobs.store.MIGRATIONS", (*MIGRATIONS, "ALTER TABLE job ADD COLUMN extra TEXT"))
    found = JobStore(tmp_path)
    assert [one.name for one in found.adopt()] == ["zorb"]
    with sqlite3.connect(found.path) as database:
        assert "extra" in database.execute("SELECT sql FROM sqlite_master WHERE name = 'job'").fetchone()[0]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "data").write_text("a file in the way")
    with pytest.raises(UserError, match="cannot be kept"):
        JobStore(tmp_path / "data")


def test_a_drive_without_shared_memory_gets_the_plain_journal(tmp_path, monkeypatch):
    monkeypatch.setattr("lora_trainer.jobs.store.sqlite3", WithoutWal)
    store = JobStore(tmp_path)
    store.put(Record("20250101-000000-aaaa", "zorb", {}))
    assert store._database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    store.close()


class WithoutWal:
    """sqlite3 on a drive that refuses WAL."""

    Error, OperationalError, DatabaseError = sqlite3.Error, sqlite3.OperationalError, sqlite3.DatabaseError

    class Connection(sqlite3.Connection):
        def execute(self, text, *values):
            if text == "PRAGMA journal_mode = WAL":
                raise sqlite3.OperationalError("locking protocol")
            return super().execute(text, *values)

    @classmethod
    def connect(cls, *place, **more):
        return sqlite3.connect(*place, factory=cls.Connection, **more)
