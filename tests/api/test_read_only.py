"""The data folder cannot be written: the page comes up all the same, says why, and what can be done is done."""

import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.errors import UserError
from lora_trainer.files import atomic
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from tests.jobs.conftest import wait_until
from tests.jobs.light import LightHost, Quick, Waiting


def client_of(desk):
    app = Starlette()
    add_routes(app, desk)
    return TestClient(app, base_url=f"http://testserver{PREFIX}", raise_server_exceptions=False)


def desk_of(host, runner=None):
    return Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=runner or Quick()))


@pytest.fixture
def in_the_way(tmp_path):
    """A host whose data folder cannot even be made."""
    host = LightHost(tmp_path)
    host.data_folder().write_text("a file in the way")
    return host


@pytest.fixture
def read_only(tmp_path):
    """A host whose data folder lies on a disk that can only be read, with a job that was left there."""
    if not sys.platform.startswith("linux"):
        pytest.skip("a disk of its own is made as Linux does")
    host = LightHost(tmp_path)
    folder = host.data_folder()
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield host
    subprocess.run(["umount", "-l", folder], check=True)


def only_read(host, how="ro"):
    words = ["mount", "-o", f"remount,{how}", host.data_folder()]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def settled(host, desk):
    """The answer to lining up a run, and to the whole state."""
    client = client_of(desk)
    values = {"save": {"name": "zorb"}, "data": {"folders": [str(host.folder)]}}
    return client.post("jobs", json={"values": values}), client.get("state").json()


def test_a_folder_that_cannot_be_made_is_said_on_the_page(in_the_way):
    answer, state = settled(in_the_way, desk_of(in_the_way))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "jobs_not_kept")
    assert state["problem"]["code"] == "jobs_not_kept" and state["jobs"] == [] and state["host"]["base"]


def test_a_folder_that_can_be_written_again_needs_no_restart(in_the_way):
    desk = desk_of(in_the_way)
    in_the_way.data_folder().unlink()
    answer, state = settled(in_the_way, desk)
    assert answer.status_code == 200 and state["problem"] is None
    desk.jobs.close()


def test_nothing_that_a_page_asks_for_breaks_without_a_folder(in_the_way):
    client = client_of(desk_of(in_the_way))
    for path in ("state", "jobs", "datasets", "presets", "notices", "samples"):
        assert client.get(path).status_code == 200, path
    assert client.put("habits", json={"goes_on": True}).json()["goes_on"]
    for answer in (client.post("datasets", json={"name": "cats"}), client.put("people/ann/limits", json={"jobs": 1})):
        assert 400 <= answer.status_code < 500 or answer.status_code == 507, answer.json()
        assert answer.json()["error"]["code"] != "internal"


def test_on_a_disk_that_can_only_be_read_the_page_comes_up_and_says_so(read_only):
    desk = desk_of(read_only)
    wait_until(desk.jobs.submit(read_only.config("before")), "finished")
    desk.jobs.close()
    only_read(read_only)
    desk = desk_of(read_only)
    answer, state = settled(read_only, desk)
    assert answer.status_code == 400 and state["problem"]["code"] == "jobs_not_kept"
    assert "ead-only" in state["problem"]["text"]
    only_read(read_only, "rw")
    answer, state = settled(read_only, desk)
    assert answer.status_code == 200 and [job["name"] for job in state["jobs"]][-1] == "before"
    desk.jobs.close()


def test_a_disk_that_becomes_read_only_while_a_run_is_on_loses_no_job(tmp_path, monkeypatch):
    """As a disk does on an error: files that are open stay open, and take nothing more."""
    host = LightHost(tmp_path)
    desk = desk_of(host, runner := Waiting())
    job = wait_until(desk.jobs.submit(host.config()), "preparing")
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_replace", refuse)
        desk.jobs._store._database.execute("PRAGMA query_only = ON")
        job.change(best_step=3)
        assert "only" in desk.jobs.problem
        with pytest.raises(UserError, match="readonly"):
            desk.jobs.submit(host.config("next"))
    desk.jobs._store._database.execute("PRAGMA query_only = OFF")
    runner.ends.set()
    wait_until(job, "finished")
    desk.jobs.close()
    again = desk_of(host)
    assert [(one.state, one.record.best_step) for one in again.jobs.list()] == [("finished", 3)]
    again.jobs.close()


def refuse(*_):
    raise OSError(30, "Read-only file system")


def test_a_write_that_a_full_disk_refuses_is_an_answer_and_no_mistake(tmp_path, monkeypatch):
    client = client_of(desk_of(LightHost(tmp_path)))

    def full(*_):
        raise OSError(28, "No space left on device", "/tmp/x")

    monkeypatch.setattr("lora_trainer.api.datasets.all_json", full)
    monkeypatch.setattr("lora_trainer.api.state.all_json", full)
    answer = client.get("state")
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "disk_full")
