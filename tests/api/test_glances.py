"""The state that pages ask for every second: put together once for many, and never older than what anybody changed."""

import threading

import pytest

from lora_trainer.api import glances, state
from lora_trainer.jobs.job import Job, Record
from lora_trainer.jobs.states import RUNNING


@pytest.fixture
def made(monkeypatch):
    """Counts how often the state is put together."""
    calls, real = [], state.state
    monkeypatch.setattr(state, "state", lambda call: calls.append(call.visitor.name) or real(call))
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


def test_what_the_disk_changes_by_itself_is_seen_soon(client, made, monkeypatch):
    client.get("state")
    monkeypatch.setattr(glances, "LASTS", 0.0)
    client.get("state")
    assert len(made) == 2
