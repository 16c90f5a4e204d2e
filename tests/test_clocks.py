"""Somebody sets the clock, a year ahead or back, in the middle of everything: nothing is lost, and no order changes."""

import io
import os
import time
import zipfile
from datetime import datetime

import pytest

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.tokens import Tokens
from lora_trainer.datasets import incoming
from lora_trainer.datasets.contents import Part
from lora_trainer.datasets.pack import zipped
from lora_trainer.datasets.store import DataSets
from lora_trainer.files.backup import backed_up, backups, undo
from lora_trainer.jobs.limits import Limiter, LimitStore
from lora_trainer.jobs.meter import Meter
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import FINISHED, INTERRUPTED
from tests.jobs.conftest import die, wait_for, wait_until
from tests.jobs.light import LightHost, Quick, Waiting

YEAR = 365 * 24 * 3600.0


class Clock:
    """The machine's clock, which can be set; what measures durations goes on as it does."""

    def __init__(self, monkeypatch):
        self._real, self.off = time.time, 0.0
        real_local, real_utc = time.localtime, time.gmtime
        monkeypatch.setattr(time, "time", lambda: self._real() + self.off)
        monkeypatch.setattr(time, "time_ns", lambda: int((self._real() + self.off) * 1e9))
        monkeypatch.setattr(time, "localtime", lambda when=None: real_local(time.time() if when is None else when))
        monkeypatch.setattr(time, "gmtime", lambda when=None: real_utc(time.time() if when is None else when))

    def jump(self, seconds):
        self.off += seconds

    def dated(self, path):
        """Let a file be as old as it would be by this clock."""
        moment = time.time()
        os.utime(path, (moment, moment))


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


@pytest.fixture(params=[YEAR, -YEAR], ids=["ahead", "back"])
def jump(request):
    return request.param


def program(host, runner):
    return Jobs(host, host.data_folder() / "runs", runner=runner)


def test_jobs_keep_their_order_over_jumps_and_restarts(tmp_path, clock, jump):
    host = LightHost(tmp_path)
    jobs = program(host, Waiting())
    names = ["one", "two", "three", "four"]
    for number, name in enumerate(names):
        jobs.submit(host.config(name))
        clock.jump(jump if number % 2 else -2 * jump)
    wait_until(jobs.list()[-1], "preparing")
    assert [job.record.name for job in jobs.line()] == names[1:]
    assert len({job.id for job in jobs.list()}) == 4
    die(jobs)
    clock.jump(jump)
    again = program(host, Waiting())
    assert [job.record.name for job in again.list()] == names[::-1]
    assert [job.record.name for job in again.interrupted()] == names
    assert {job.state for job in again.list()} == {INTERRUPTED}
    die(again)


def test_how_long_a_job_had_the_model_is_measured_by_no_clock(tmp_path, monkeypatch, clock, jump):
    host, runner, store, counted = LightHost(tmp_path), Waiting(), LimitStore(tmp_path), []
    monkeypatch.setattr(store, "count", lambda owner, seconds: counted.append(seconds))
    jobs = program(host, runner)
    meter = Meter(jobs, Limiter(store, lambda owner: [], lambda owner: 0.0))
    job = wait_until(jobs.submit(host.config(), owner="ann"), "preparing")
    clock.jump(jump)
    runner.ends.set()
    wait_until(job, FINISHED)
    wait_for(lambda: not jobs.workers.running)
    assert len(counted) == 1 and 0 < counted[0] < 60
    meter.close()
    jobs.close()


def test_a_program_that_lives_keeps_its_jobs_whatever_the_clock_says(tmp_path, clock, jump):
    host = LightHost(tmp_path)
    jobs = program(host, Waiting())
    wait_until(jobs.submit(host.config()), "preparing")
    clock.jump(jump)
    other = program(host, Quick())
    assert other.list() == []
    other.close()
    die(jobs)


def test_an_upload_goes_on(tmp_path, clock, jump):
    store = DataSets(tmp_path)
    cats = store.create("cats")
    upload = store.uploads.begin(cats.id, "a.txt", 10)
    clock.jump(jump)
    store.uploads.sweep()
    assert store.uploads.get(cats.id, upload.id) is upload and upload.file.exists()


def test_what_is_being_unpacked_stays_where_it_is(tmp_path, clock):
    with incoming.staging(tmp_path) as place:
        clock.jump(YEAR)
        with incoming.staging(tmp_path) as other:
            assert place.is_dir() and other.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_the_newest_change_is_the_first_to_be_taken_back(tmp_path, clock, jump, monkeypatch):
    monkeypatch.setattr("lora_trainer.files.backup.KEPT", 3)
    caption, ids = tmp_path / "a.txt", []
    for number in range(5):
        with backed_up(tmp_path, [caption]) as id:
            caption.write_text(str(number))
        ids.append(id)
        if number == 1:
            moment = time.time() + YEAR  # it was made while the clock stood a year ahead
            os.utime(tmp_path / ".train-lora-backup" / id / "files.json", (moment, moment))
    assert [backup.id for backup in backups(tmp_path)] == ids[:1:-1]
    undo(tmp_path, ids[-1])
    assert caption.read_text() == "3"


def test_data_sets_are_packed_in_any_year(monkeypatch):
    for year in (1970, 2500):
        monkeypatch.setattr(time, "localtime", lambda year=year: time.struct_time((year, 1, 1, 0, 0, 0, 0, 1, 0)))
        content = b"".join(zipped([Part("a.txt", b"a zorb")]))
        assert zipfile.ZipFile(io.BytesIO(content)).read("a.txt") == b"a zorb"


def test_what_was_used_is_counted_in_the_month_that_the_clock_shows(tmp_path, clock, jump):
    store = LimitStore(tmp_path)
    store.count("ann", seconds=3600, runs=1)
    clock.jump(jump)
    assert store.month("ann") == (0.0, 0)
    store.count("ann", seconds=60, runs=1)
    clock.jump(-jump)
    assert store.month("ann") == (1.0, 1)


class Moved(datetime):
    """PyJWT's way to ask for the time."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)


def test_who_is_signed_out_by_a_jump_can_sign_in_again(tmp_path, clock, jump, monkeypatch):
    pytest.importorskip("jwt")
    monkeypatch.setattr("jwt.api_jwt.datetime", Moved)
    accounts = Accounts(tmp_path)
    accounts.add("ann", "a long password", "admin")
    tokens = Tokens(accounts)
    text = tokens.sign(accounts.get("ann"))
    assert tokens.read(text)
    clock.jump(jump)
    assert tokens.read(text) is None
    assert tokens.read(tokens.sign(accounts.get("ann"))).account.name == "ann"
