"""The client finds, compares and judges past runs, and clears them away."""

import pytest

from lora_trainer.client import ServerRefused
from tests.client.test_client import begun
from tests.history.made import made


@pytest.fixture
def past(client, desk, pictures):
    """Begins runs of these names, each of which leaves behind what a real one would; their ids."""

    def make(*names):
        ids = [begun(client, pictures, name, 4)["id"] for name in names]
        for run in ids:
            list(client.jobs.events(run))
            place = made(desk.jobs.get(run).folder.output, client.jobs.get(run)["name"], every=len(names))
            desk.jobs.get(run).change(samples=tuple(sorted(file.name for file in place.samples.glob("*-*.png"))))
        return ids

    return make


def test_runs_are_found_remarked_on_and_put_away(client, past):
    first, second = past("first", "second")
    assert [run["id"] for run in client.history.all()] == [second, first]
    assert client.history.find(sort="name", descending=False, size=1)["runs"][0]["id"] == first
    assert client.history.remark(first, rating=5, comment="the eyes are right")["rating"] == 5
    assert client.history.remark(first, archived=True)["comment"] == "the eyes are right"
    assert [run["id"] for run in client.history.all("eyes 5*", archived="yes")] == [first]
    assert [run["id"] for run in client.history.all()] == [second]
    assert client.history.get(first)["environment"]["device"] == "cpu"
    with pytest.raises(ServerRefused, match="sorted by"):
        client.history.find(sort="beauty")


def test_every_run_is_found_however_many_pages_it_takes(client, past, monkeypatch):
    monkeypatch.setattr("lora_trainer.client.history.PAGE", 1)
    ids = past("first", "second", "third")
    assert {run["id"] for run in client.history.all()} == {*ids}


def test_runs_are_compared_and_judged_blind(client, past):
    runs = past("first", "second")
    compared = client.history.compare(runs)
    assert [run["id"] for run in compared["runs"]] == runs
    address = compared["strips"][0]["pictures"][0][0]
    assert client.picture(address).startswith(b"\x89PNG")
    assert client.picture(compared["runs"][0]["thumbnail"])
    assert client.jobs.curve(runs[0])["steps"]
    ballot = client.history.ballot(runs)
    assert not {*runs, "first", "second"} & {str(value) for value in ballot.values()}
    assert all(picture.startswith(b"\x89PNG") for picture in client.history.pictures(ballot))
    voted = client.history.vote(ballot, "left")
    assert {voted["left"]["id"], voted["right"]["id"]} == {*runs}
    assert sum(voted["results"][0]["wins"]) == 1


def test_room_is_made_only_when_it_is_really_meant(client, past):
    (run,) = past("first")
    before = client.history.get(run)["sizes"]["states"]
    assert before == client.history.free([run], ["states"])["total"] > 0
    assert client.history.get(run)["sizes"]["states"] == before
    client.history.free([run], ["states"], really=True)
    assert not client.history.get(run)["sizes"].get("states")


def test_a_picture_that_was_drawn_on_the_way_is_deleted(client, past, desk):
    (run,) = past("first")
    file = desk.jobs.get(run).record.samples[0]
    client.jobs.delete_sample(run, file)
    with pytest.raises(ServerRefused):
        client.picture(f"jobs/{run}/samples/{file}")
