"""What pages ask for every second: put together once for many, and never older than what anybody changed."""

import threading

import pytest

from lora_trainer.api import PREFIX, glances, jobs, state
from lora_trainer.events import Preparing
from lora_trainer.jobs.job import Job, Record
from lora_trainer.jobs.states import RUNNING


@pytest.fixture
def made(monkeypatch):
    """Counts how often the state is put together."""
    calls, real = [], state.state_json
    monkeypatch.setattr(state, "state_json", lambda call: calls.append(call.visitor.name) or real(call))
    monkeypatch.setattr(glances, "LASTS", 60.0)
    return calls


@pytest.fixture
def job(desk, run_values):
    job = Job(Record("glanced", "zorb", {}), desk.config(run_values()), lambda job: None)
    desk.jobs._jobs["glanced"] = job
    yield job
    del desk.jobs._jobs["glanced"]


def test_many_who_ask_get_what_was_put_together_once(client, made):
    threads = [threading.Thread(target=client.get, args=("state",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_pages_that_are_told_and_those_that_ask_get_the_same_one(client, made):
    client.put("host", json={"give_way": False})
    for _ in range(2):
        with client.websocket_connect(f"{PREFIX}/live") as page:
            told = page.receive_json()["state"]
            assert told == client.get("state").json()
    assert len(made) == 1


def test_what_anybody_changes_is_in_the_next_answer(client, made):
    client.get("state")
    name = client.post("datasets", json={"name": "fresh"}).json()["name"]
    assert name in {one["name"] for one in client.get("state").json()["datasets"]}
    client.put("host", json={"give_way": False})
    client.delete(f"datasets/{next(one['id'] for one in client.get('datasets').json() if one['name'] == name)}")
    assert name not in {one["name"] for one in client.get("state").json()["datasets"]}


def test_every_step_of_a_run_is_in_the_next_answer(client, job, made):
    assert client.get("state").json()["jobs"][0]["step"] == 0
    for step in (1, 2):
        job.change(step=step)
        assert client.get("state").json()["jobs"][0]["step"] == step
    job.change(state="preparing")
    job.change(state=RUNNING)
    job.pause()
    shown = client.get("state").json()["jobs"][0]
    assert (shown["state"], shown["wish"]) == (RUNNING, "pause")
    assert len(made) == 4


def test_readers_who_know_as_much_are_told_the_same_once_and_each_event_to_all(client, job, monkeypatch):
    told, real = [], jobs.events_json
    monkeypatch.setattr(jobs, "events_json", lambda call: told.append(1) or real(call))
    monkeypatch.setattr(glances, "LASTS", 60.0)

    def hear(after):
        return [one["n"] for one in client.get("jobs/glanced/events", params={"after": after}).json()["events"]]

    job.feed.append(Preparing("pictures", 1, 4))
    assert [hear(0) for _ in range(5)] == [[1]] * 5 and len(told) == 1
    job.feed.append(Preparing("pictures", 2, 4))
    assert [hear(0), hear(1), hear(1), hear(2)] == [[1, 2], [2], [2], []] and len(told) == 4
    job.change(step=3)
    assert client.get("jobs/glanced/events", params={"after": 2}).json()["job"]["step"] == 3


def test_who_is_ready_to_wait_is_not_put_off_with_what_was_told_before(client, job, monkeypatch):
    monkeypatch.setattr(glances, "LASTS", 60.0)
    assert client.get("jobs/glanced/events").json()["events"] == []
    threading.Timer(0.3, job.feed.append, [Preparing("pictures", 1, 4)]).start()
    heard = client.get("jobs/glanced/events", params={"wait": 20}).json()["events"]
    assert [one["n"] for one in heard] == [1]


def test_what_the_disk_changes_by_itself_is_seen_soon(client, made, monkeypatch):
    client.get("state")
    monkeypatch.setattr(glances, "LASTS", 0.0)
    client.get("state")
    assert len(made) == 2
