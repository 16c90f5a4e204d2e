"""Runs that wait: their order, more of the same, and what the end of the program leaves."""

import pytest

from tests.jobs.conftest import wait_for

from .test_jobs import watched


@pytest.fixture
def begin(client, dataset, run_values):
    """Begins runs by name; all of them are stopped and deleted at the end."""
    begun = []

    def start(name, **more):
        values = run_values(save__name=name, **more)
        begun.append(client.post("jobs", json={"values": values, "dataset": dataset, "replace": True}).json())
        return begun[-1]["id"]

    yield start
    for job in begun:
        if client.post(f"jobs/{job['id']}/stop").status_code == 404:
            continue
        watched(client, job["id"], "stopped", "finished", "failed")
        client.delete(f"jobs/{job['id']}")


def waiting(client):
    jobs = [job for job in client.get("jobs").json() if job["state"] == "queued"]
    return [job["name"] for job in sorted(jobs, key=lambda job: (-job["priority"], job["place"]))]


def test_runs_that_wait_are_moved_about_and_the_more_important_one_comes_first(client, begin):
    first = begin("first", steps=100_000)
    wait_for(lambda: client.get(f"jobs/{first}").json()["state"] == "running")
    second, third, fourth = (begin(name) for name in ("second", "third", "fourth"))
    client.post(f"jobs/{fourth}/move", json={"before": third})
    assert waiting(client) == ["second", "fourth", "third"]
    client.post(f"jobs/{second}/move")
    assert waiting(client) == ["fourth", "third", "second"]
    for job in (second, third, fourth):
        client.post(f"jobs/{job}/pause")
    client.post(f"jobs/{third}/priority", json={"priority": 1})
    client.post(f"jobs/{third}/resume")
    job, _ = watched(client, third, "finished", "failed")
    assert job["state"] == "finished"
    assert client.get(f"jobs/{first}").json()["state"] in ("queued", "preparing", "running")
    assert client.post(f"jobs/{third}/move").json()["error"]["code"] == "not_waiting"


def test_a_clone_has_the_same_settings_but_for_the_changes_and_a_name_of_its_own(client, begin):
    job, _ = watched(client, begin("zorb-1"))
    clone = client.post(f"jobs/{job['id']}/clone", json={"values": {"network.rank": 3}}).json()
    assert (clone["name"], clone["values"]["network"]["rank"]) == ("zorb-2", 3)
    assert clone["values"]["steps"] == job["values"]["steps"] and clone["dataset"] == job["dataset"]
    watched(client, clone["id"])
    client.delete(f"jobs/{clone['id']}")


def test_a_deleted_run_is_gone(client, begin):
    job, _ = watched(client, begin("gone"))
    assert client.delete(f"jobs/{job['id']}").status_code == 200
    assert client.get(f"jobs/{job['id']}").status_code == 404


def test_a_reader_that_knows_the_events_of_an_earlier_program_is_given_all_of_them(client, begin):
    job, events = watched(client, begin("read"))
    known = client.get(f"jobs/{job['id']}/events?after=3").json()
    assert client.get(f"jobs/{job['id']}/events?after=3&feed={known['feed']}").json()["events"] == events[3:]
    assert client.get(f"jobs/{job['id']}/events?after=3&feed=another").json()["events"] == events


def test_of_jobs_that_have_ended_the_newest_are_told_of_at_a_glance(client, begin, monkeypatch):
    monkeypatch.setattr("lora_trainer.api.state.RECENT", 1)
    older, newer = (watched(client, begin(name))[0]["id"] for name in ("older", "newer"))
    told = [job["id"] for job in client.get("state").json()["jobs"]]
    assert newer in told and older not in told
    assert {older, newer} <= {job["id"] for job in client.get("jobs").json()}
