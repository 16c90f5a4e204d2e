"""The disk takes nothing more in the middle of something: the run pauses, what was written is intact, it goes on."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from lora_trainer.errors import DiskError, UserError
from lora_trainer.events import Sample, Started, Step, Warned
from lora_trainer.files import atomic, disk
from lora_trainer.files.read import read_lora
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import FAILED, FINISHED, PAUSED
from lora_trainer.jobs.telling import end_notice
from lora_trainer.run_folder import EventLog
from tests.runs import same_weights

from .conftest import wait_for, wait_until
from .light import LightHost, Quick, Waiting

RUN = {"steps": 3, "save__every": 1}
SAMPLED = {**RUN, "samples__every": 1, "samples__width": 64, "samples__height": 64, "samples__steps": 1}


class Full(list):
    """Parts of the paths for which there is no room."""

    def __call__(self, text):
        self.append(text)


@pytest.fixture
def full(monkeypatch):
    """Lets the disk be full for files whose paths hold a text; `clear` frees it again."""
    kept, taken = atomic._replace, Full()

    def replace(partial, path):
        if any(text in path.as_posix() for text in taken):
            raise OSError(errno.ENOSPC, "No space left on device")
        kept(partial, path)

    monkeypatch.setattr(atomic, "_replace", replace)
    return taken


@pytest.fixture(scope="module")
def undisturbed(random_sd1, pictures, tmp_path_factory):
    from tests.runs import run, values

    folder = tmp_path_factory.mktemp("undisturbed")
    run(values(random_sd1, pictures, folder, **RUN))
    return folder / "zorb.safetensors"


@pytest.mark.parametrize(
    ("place", "state", "saves"),
    [
        ("zorb.run/config.yaml", 0, []),
        ("zorb-step000002.safetensors", 1, [1]),
        ("step00000002.safetensors", 1, [1, 2]),
        ("/zorb.safetensors", 2, [1, 2]),
    ],
)
def test_a_run_pauses_with_its_last_state_and_goes_on_when_there_is_room(
    jobs, config, full, undisturbed, place, state, saves
):
    full(place)
    job = wait_until(jobs.submit(config(**RUN)), PAUSED, FINISHED, FAILED)
    assert (job.state, job.record.message.code, job.state_step) == (PAUSED, "disk_full", state)
    assert [save.step for save in job.saves()] == saves
    for save in job.saves():
        read_lora(job.save_path(save.file))
    assert end_notice(job).occasion == "waiting"
    wait_for(lambda: not list(job.folder.output.rglob("*.partial")))
    wait_for(lambda: jobs.turn.holder is None)  # who is behind it has its turn
    full.clear()
    job.resume()
    wait_until(job, FINISHED, FAILED, PAUSED)
    assert job.state == FINISHED and same_weights(job.folder.lora, undisturbed)


def test_a_sample_that_finds_no_room_is_left_out_and_the_run_goes_on(jobs, config, full):
    full("samples/step000001")
    job = wait_until(jobs.submit(config(**SAMPLED)), FINISHED, FAILED, PAUSED)
    events = [event for _, event in job.feed.after(0, 1000)]
    left_out = [event for event in events if isinstance(event, Warned) and event.code == "sample_unwritten"]
    assert job.state == FINISHED and left_out
    assert {event.step for event in events if isinstance(event, Sample)} == {2, 3}


def test_a_disk_without_room_for_all_saves_is_said_before_the_first_step(jobs, config, monkeypatch):
    monkeypatch.setattr(disk, "free_bytes", lambda folder: 1000)
    job = wait_until(jobs.submit(config(**RUN)), PAUSED, FAILED, FINISHED)
    assert job.state == PAUSED and "free, but the" in job.record.message and end_notice(job).occasion == "waiting"


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 24 MB of its own, where this system lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a disk of its own is made as Linux does")
def test_on_a_disk_that_is_really_full_a_run_pauses_and_ends_as_if_nothing_had_been(
    random_sd1, small_disk, config, undisturbed, monkeypatch
):
    from lora_trainer import options
    from lora_trainer.host.standalone import StandaloneHost

    monkeypatch.setattr(disk, "RESERVE", 0)
    base = options.build({"base": {"checkpoint": str(random_sd1)}})
    host = StandaloneHost(base.base, base.memory, small_disk / "loras", small_disk / "data")
    jobs = Jobs(host, host.data_folder() / "runs")
    job = jobs.submit(config(**RUN))
    wait_for(lambda: job.state_step >= 1 or job.state in (FINISHED, PAUSED, FAILED))
    ballast = small_disk / "ballast"
    fill(ballast)
    wait_until(job, PAUSED, FAILED, FINISHED)
    assert job.state == PAUSED and job.record.message.code == "disk_full"
    wait_for(lambda: not list(small_disk.rglob("*.partial")))
    ballast.unlink()
    job.resume()
    wait_until(job, FINISHED, FAILED)
    assert job.state == FINISHED and same_weights(job.folder.lora, undisturbed)
    jobs.close()
    steps = [event.step for event in job.folder.read_events() if isinstance(event, Step)]
    assert steps == [1, 2, 3]


def fill(path):
    with path.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no process's files")
def test_a_process_whose_files_may_not_grow_gets_sentences(tmp_path):
    program = """
import resource, sys
from pathlib import Path
from lora_trainer.errors import DiskError
from lora_trainer.files.atomic import write_text
folder = Path(sys.argv[1])
write_text(folder / "kept", "as it was")
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_text(folder / "kept", "x" * 100_000)
except DiskError as error:
    print(error.sentence.code)
print((folder / "kept").read_text(), len(list(folder.iterdir())))
"""
    words = [sys.executable, "-c", program, str(tmp_path)]
    root = Path(__file__).parent.parent.parent
    done = subprocess.run(words, capture_output=True, text=True, cwd=root, timeout=60)
    assert done.stdout == "disk_refuses\nas it was 1\n", done.stderr


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_what_a_disk_says_that_takes_nothing_more_is_one_kind_of_error(tmp_path, monkeypatch, number):
    (tmp_path / "a").write_text("as it was")
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: refuse(number))
    with pytest.raises(DiskError, match="as it was before"):
        atomic.write_text(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "as it was" and len(list(tmp_path.iterdir())) == 1


def refuse(number):
    raise OSError(number, "No")


def test_events_that_the_disk_does_not_take_are_written_when_it_does(tmp_path):
    log = EventLog(tmp_path / "events.jsonl")
    file = log._file
    log._file = Stubborn(file, takes=30)
    log.write(Warned("one", "first"))
    log.write(Warned("two", "second"))
    assert not (tmp_path / "events.jsonl").read_text().endswith("\n")
    log._file = file
    log.write(Warned("three", "third"))
    log.close()
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert [line.count('"warned"') for line in lines] == [1, 1, 1]


class Stubborn:
    """A file on a disk that takes so many bytes more."""

    def __init__(self, file, takes):
        self._file, self._takes = file, takes

    def write(self, content):
        if not self._takes:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, self._takes = min(len(content), self._takes), max(0, self._takes - len(content))
        return self._file.write(content[:taken])


def test_a_line_of_events_that_was_cut_off_spoils_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind": "st')
    log = EventLog(path)
    log.write(Warned("one", "first"))
    log.close()
    assert path.read_text().splitlines()[1].startswith('{"kind": "warned"')


@pytest.mark.parametrize("place", ["jobs.sqlite3", "record.json"])
def test_a_list_that_cannot_be_written_hurts_no_run_and_is_written_later(tmp_path, monkeypatch, full, place):
    host, runner = LightHost(tmp_path), Waiting()
    jobs = Jobs(host, host.data_folder() / "runs", runner=runner)
    job = wait_until(jobs.submit(host.config()), "preparing")
    kept = jobs._store.put
    if place == "jobs.sqlite3":
        monkeypatch.setattr(jobs._store, "put", lambda record: refuse_kindly())
    else:
        full(place)
    job.take(Started("zorb", "sd1", "epsilon", "base", 4, 0, 40, 4, (20,), "CPU", 1, 100, 2, 0))
    assert job.state == "running" and jobs.problem
    monkeypatch.setattr(jobs._store, "put", kept)
    full.clear()
    runner.ends.set()
    wait_until(job, FINISHED)
    wait_for(lambda: jobs.problem == "")
    jobs.close()
    assert Jobs(host, host.data_folder() / "runs").list()[0].state == FINISHED


def test_what_ended_while_nothing_could_be_written_is_written_by_itself_when_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr("lora_trainer.jobs.ledger.AGAIN_AFTER", 0.05)
    host, runner = LightHost(tmp_path), Waiting()
    jobs = Jobs(host, host.data_folder() / "runs", runner=runner)
    job = wait_until(jobs.submit(host.config()), "preparing")
    with monkeypatch.context() as patch:
        patch.setattr(jobs._store, "put", lambda record: refuse_kindly())
        runner.ends.set()
        wait_until(job, FINISHED)
        wait_for(lambda: jobs.problem)
    wait_for(lambda: jobs.problem == "")
    jobs.close()
    again = Jobs(host, host.data_folder() / "runs")
    assert again.list()[0].state == FINISHED
    again.close()


def refuse_kindly():
    raise UserError("The disk is full.")


def test_a_job_is_lined_up_only_where_it_is_kept(tmp_path, monkeypatch):
    host = LightHost(tmp_path)
    jobs = Jobs(host, host.data_folder() / "runs", runner=Quick())
    monkeypatch.setattr(jobs._store, "put", lambda record: refuse_kindly())
    with pytest.raises(UserError, match="full"):
        jobs.submit(host.config())
    assert jobs.list() == [] and not jobs.waiting()
    jobs.close()
