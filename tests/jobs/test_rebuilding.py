"""The list of jobs is damaged, lost, of another version, or cannot be reached: what is known of jobs is still there."""

import json
import sqlite3

import pytest

from lora_trainer import options
from lora_trainer.datasets.store import own_id
from lora_trainer.errors import UserError
from lora_trainer.events import Failed, Finished, Paused, Saved, Started, Step
from lora_trainer.jobs.copies import FILE, free_id
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.record import Record, Save
from lora_trainer.jobs.states import FAILED, FINISHED, INTERRUPTED, PAUSED, STOPPED
from lora_trainer.jobs.store import MIGRATIONS
from lora_trainer.run_folder import EventLog, RunFolder

from .conftest import die, wait_for, wait_until
from .light import Waiting

STARTED = Started("zorb", "sd1", "epsilon", "base", 4, 0, 40, 4, (20,), "CPU", 1, 100, 2, 0)
STEP = Step(21, 1, 0.2, 0.125, {"unet": 1e-4}, 0.1, 0.2, 0.0, 1000)
SAVED = Saved(20, "zorb-step000020.safetensors", "0", False)


@pytest.fixture
def start(light_host):
    made = []

    def begin():
        made.append(Jobs(light_host, light_host.data_folder() / "runs", runner=Waiting()))
        return made[-1]

    yield begin
    for jobs in made:
        die(jobs)


def three(start, light_host):
    """What a killed program leaves: a finished run with a save, one that ran, and one that waited."""
    jobs = start()
    done = jobs.submit(light_host.config("done"), owner="ann", dataset="cats")
    wait_until(done, "preparing")
    (done.folder.output / "zorb-step000020.safetensors").write_bytes(b"")
    done.take(SAVED)
    jobs._runner.ends.set()
    wait_until(done, FINISHED)
    wait_for(lambda: not jobs.workers.running)
    jobs._runner.ends.clear()
    wait_until(jobs.submit(light_host.config("ran")), "preparing")
    jobs.submit(light_host.config("waited"), priority=-1)
    before = {job.id: job.record for job in jobs.list()}
    die(jobs)
    return before


def damaged(path):
    path.write_bytes(b"no list at all, " * 1000)


def cut_off(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    path.write_bytes(path.read_bytes()[:5000])


def emptied(path):
    path.write_bytes(b"")


def gone(path):
    path.unlink()


def without_its_table(path):
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE job")
    database.close()


def a_page_spoilt(path):
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    database.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [damaged, cut_off, emptied, gone, without_its_table, a_page_spoilt])
def test_jobs_are_found_again_by_their_folders_and_nothing_is_deleted(start, light_host, harm):
    before = three(start, light_host)
    path = light_host.data_folder() / "jobs.sqlite3"
    harm(path)
    content = path.read_bytes() if path.exists() else b""
    jobs = start()
    found = {job.record.name: job.record for job in jobs.list()}
    assert {name: record.state for name, record in found.items()} == {
        "done": FINISHED,
        "ran": INTERRUPTED,
        "waited": INTERRUPTED,
    }
    assert found["done"] == before[found["done"].id] and found["done"].saves == (Save(SAVED.path, 20, False),)
    assert (found["done"].owner, found["done"].dataset, found["waited"].priority) == ("ann", "cats", -1)
    assert [job.record.name for job in jobs.interrupted()] == ["ran", "waited"]
    if harm not in (gone, emptied):
        (aside,) = path.parent.glob("jobs.sqlite3.damaged-*[0-9a-f]")
        assert aside.read_bytes() == content and aside.name in jobs.problem
    die(jobs)
    assert len(start().list()) == 3


def test_a_program_that_still_has_a_job_keeps_it_when_the_list_is_lost(start, light_host):
    first = start()
    job = wait_until(first.submit(light_host.config()), "preparing")
    path = light_host.data_folder() / "jobs.sqlite3"
    for file in path.parent.glob(path.name + "*"):
        file.rename(file.with_name("lost" + file.name))
    assert start().list() == []
    die(first)
    (found,) = start().list()
    assert (found.id, found.state) == (job.id, INTERRUPTED)


def test_a_deleted_job_is_not_found_again(start, light_host):
    before = three(start, light_host)
    jobs = start()
    for job in jobs.list():
        jobs.delete(job)
    assert not any((light_host.data_folder() / "runs" / job_id).exists() for job_id in before)
    die(jobs)
    assert start().list() == []


def test_a_job_that_the_list_cannot_forget_frees_its_place_and_stays_in_it(start, light_host, monkeypatch):
    three(start, light_host)
    jobs = start()
    job = jobs.list()[0]
    with monkeypatch.context() as patch:
        patch.setattr(jobs._store, "delete", full)
        with pytest.raises(UserError, match="full"):
            jobs.delete(job)
    assert job in jobs.list() and not job.folder.output.exists()
    jobs.delete(job)
    assert job not in jobs.list()


def full(*_):
    raise UserError("The disk is full.")


@pytest.mark.parametrize(
    ("events", "state", "step"),
    [
        ([STARTED, STEP, SAVED], INTERRUPTED, 0),
        ([STARTED, STEP, SAVED, Paused(21, "Another base is selected.")], PAUSED, 21),
        ([STARTED, STEP, SAVED, Failed(21, "It broke.")], FAILED, 21),
        ([STARTED, STEP, SAVED, Finished(40, "zorb.safetensors", 20, "", 65.0)], FINISHED, 40),
        ([STARTED, STEP, SAVED, Finished(22, "", 0, "", 65.0, stopped=True)], STOPPED, 22),
        ([STARTED, SAVED, Paused(21), STARTED, STEP], INTERRUPTED, 0),
        ([], INTERRUPTED, 0),
    ],
)
def test_runs_of_a_version_without_copies_are_read_from_their_own_files(start, light_host, events, state, step):
    output = light_host.data_folder() / "runs" / "20260102-030405-abcd"
    place = RunFolder(output, "zorb")
    config = light_host.config(data__folders=[str(light_host.data_folder() / "datasets" / "cats")])
    place.create(config, {})
    (output / SAVED.path).write_bytes(b"")
    log = EventLog(place.events)
    for event in events:
        log.write(event)
    log.close()
    (job,) = start().list()
    assert (job.state, job.record.step, job.record.name) == (state, step, "zorb")
    assert job.config.data == config.data and job.record.dataset == own_id("cats") and job.record.created > 0
    assert [save.step for save in job.saves()] == ([20] if SAVED in events else [])
    if state in (PAUSED, FAILED):
        assert job.record.message == events[-1].message


def test_a_folder_that_tells_nothing_keeps_no_other_from_being_found(start, light_host):
    three(start, light_host)
    runs = light_host.data_folder() / "runs"
    (runs / "20260102-030405-abcd" / "a.run").mkdir(parents=True)
    (runs / "20260102-030405-abcd" / "a.run" / "config.yaml").write_text("steps: [")
    (runs / "20260102-030405-beef").mkdir()
    (runs / "20260102-030405-beef" / FILE).write_text('{"record": {"id": 3}}')
    (light_host.data_folder() / "jobs.sqlite3").unlink()
    assert len(start().list()) == 3


SCHEMAS = {
    1: """
    CREATE TABLE job (id TEXT PRIMARY KEY, keeper TEXT NOT NULL, record TEXT NOT NULL);
    CREATE INDEX job_keeper ON job (keeper);
    PRAGMA user_version = 1;
    """,
}
"""The lists that versions of this program have made, word for word: a list that once was is read for ever."""


def test_every_version_of_the_list_is_known_here():
    assert len(SCHEMAS) == len(MIGRATIONS)


@pytest.mark.parametrize("version", SCHEMAS)
def test_an_update_keeps_queue_settings_and_runs_that_can_go_on(start, light_host, version):
    ran, waits, done = (options.to_values(light_host.config(name)) for name in ("ran", "next", "done"))
    rows = [
        Record("20250101-000000-aaaa", "ran", ran, state="running", step=7, place=1.0),
        Record("20250101-000001-aaaa", "next", waits, place=2.0, priority=1),
        Record("20250101-000002-aaaa", "done", done, state=FINISHED, owner="ann"),
    ]
    light_host.data_folder().mkdir()
    database = sqlite3.connect(light_host.data_folder() / "jobs.sqlite3")
    database.executescript(SCHEMAS[version])
    for row in rows:
        values = {key: value for key, value in row.to_json().items() if key not in ("crashes", "crashed_at")}
        values["config"] = values["values"]
        database.execute("INSERT INTO job VALUES (?, ?, ?)", (row.id, "1-a-program-that-is-gone", json.dumps(values)))
    database.commit()
    database.close()
    states = light_host.data_folder() / "runs" / rows[0].id / "ran.run" / "state"
    states.mkdir(parents=True)
    (states / "step00000006.safetensors").touch()
    jobs = start()
    ran, waits, done = jobs.list()[::-1]
    assert [job.record.name for job in jobs.interrupted()] == ["next", "ran"]
    assert (ran.state, ran.state_step, ran.config.steps) == (INTERRUPTED, 6, 40)
    assert (waits.record.priority, done.state, done.record.owner) == (1, FINISHED, "ann")
    assert jobs.problem == "" and not list(light_host.data_folder().glob("*damaged*"))


def test_a_list_of_a_newer_version_is_left_as_it_is(start, light_host):
    three(start, light_host)
    path = light_host.data_folder() / "jobs.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = path.read_bytes()
    jobs = start()
    assert jobs.list() == [] and "newer version" in jobs.problem
    with pytest.raises(UserError, match="newer version"):
        jobs.submit(light_host.config())
    assert path.read_bytes() == before and not list(path.parent.glob("*damaged*"))
    assert list((light_host.data_folder() / "keepers").iterdir()) == []


def test_a_list_that_is_locked_is_a_sentence_and_is_opened_later(start, light_host, monkeypatch):
    monkeypatch.setattr("lora_trainer.jobs.store.PATIENCE", 0.05)
    three(start, light_host)
    holder = sqlite3.connect(light_host.data_folder() / "jobs.sqlite3", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    jobs = start()
    assert jobs.list() == [] and "locked" in jobs.problem
    with pytest.raises(UserError, match="locked"):
        jobs.submit(light_host.config())
    holder.execute("ROLLBACK")
    holder.close()
    jobs.submit(light_host.config("now"))
    assert len(jobs.list()) == 4 and jobs.problem == ""


def test_ids_of_the_same_second_differ_whatever_the_clock_says(tmp_path, monkeypatch):
    chance = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("lora_trainer.jobs.copies.time.strftime", lambda form: "20250101-000000")
    monkeypatch.setattr("lora_trainer.jobs.copies.secrets.token_hex", lambda count: next(chance))
    (tmp_path / free_id(tmp_path)).mkdir()
    assert free_id(tmp_path) == "20250101-000000-bbbb"
