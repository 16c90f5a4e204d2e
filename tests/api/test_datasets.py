"""Data sets over the routes: listed with sizes, copied, renamed, exported, uploaded in parts, deleted."""

import io
import time
import zipfile
import zlib

import pytest

from lora_trainer.jobs.job import Job, Record
from lora_trainer.jobs.states import FINISHED, PREPARING, QUEUED, RUNNING
from tests.datasets.conftest import packed_as, picture


@pytest.fixture
def cats(client):
    """A small data set of its own."""
    made = client.post("datasets", json={"name": "cats"}).json()["id"]
    client.put(f"datasets/{made}/files/1.png", content=picture())
    client.put(f"datasets/{made}/files/1.txt", content=b"a cat")
    known = {one["id"] for one in client.get("datasets").json()} - {made}
    yield made
    for one in client.get("datasets").json():
        if one["id"] not in known:
            client.delete(f"datasets/{one['id']}")


def names(client):
    return {one["id"]: one["name"] for one in client.get("datasets").json()}


def test_data_sets_are_listed_with_their_sizes(client, cats):
    (found,) = [one for one in client.get("datasets").json() if one["id"] == cats]
    assert found.pop("path").endswith("cats")
    assert found == {"id": cats, "name": "cats", "count": 1, "own": True, "bytes": len(picture()), "owner": ""}


def test_a_data_set_is_copied_and_renamed(client, cats):
    copied = client.post(f"datasets/{cats}/copy", json={"name": "dogs"}).json()
    assert copied["name"] == "dogs" and client.get(f"datasets/{copied['id']}").json()["items"][0]["caption"] == "a cat"
    renamed = client.put(f"datasets/{copied['id']}/name", json={"name": "birds"}).json()
    assert names(client)[renamed["id"]] == "birds" and copied["id"] not in names(client)
    taken = client.put(f"datasets/{renamed['id']}/name", json={"name": "cats"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (400, "dataset_exists")


def test_an_exported_data_set_can_be_uploaded_again(client, cats):
    answer = client.get(f"datasets/{cats}/export")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''cats.zip"
    assert sorted(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == ["1.png", "1.txt", "metadata.csv"]
    other = client.post("datasets", json={"name": "again"}).json()["id"]
    result = client.put(f"datasets/{other}/files/cats.zip", content=answer.content).json()
    assert sorted(result["added"]) == ["1.png", "1.txt", "metadata.csv"] and result["refused"] == []


@pytest.mark.parametrize("route", ["export", "copy", "name"])
def test_what_is_not_there_is_not_found(client, route):
    method = {"export": client.get, "copy": client.post, "name": client.put}[route]
    assert method(f"datasets/gone/{route}").status_code == 404


def test_a_data_set_that_a_run_needs_stays_where_it_is(client, desk, cats, run_values):
    config = desk.config(run_values(), cats)
    job = Job(Record("busy", "zorb", {}, dataset=cats), config, lambda job: None)
    desk.jobs._jobs["busy"] = job
    try:
        for act in (
            lambda: client.delete(f"datasets/{cats}"),
            lambda: client.put(f"datasets/{cats}/name", json={"name": "x"}),
        ):
            answer = act()
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "dataset_in_use")
        for state in (PREPARING, RUNNING, FINISHED):
            job.change(state=state)
        assert client.put(f"datasets/{cats}/name", json={"name": "x"}).status_code == 200
    finally:
        assert job.state in (QUEUED, FINISHED)
        del desk.jobs._jobs["busy"]


def send(client, place, offset, data, checksum=None):
    query = {"offset": offset, "crc32": checksum or f"{zlib.crc32(data):08x}"}
    return client.put(place, params=query, content=data)


def test_a_large_file_goes_in_parts(client, cats):
    data = packed_as({"2.png": picture((40, 40), (1, 2, 3)), "2.txt": b"another"})
    begun = client.post(f"datasets/{cats}/uploads", json={"name": "more.zip", "size": len(data)}).json()
    place = f"datasets/{cats}/uploads/{begun['id']}"
    assert (begun["offset"], begun["state"], begun["part"]) == (0, "receiving", 8 << 20)
    assert send(client, place, 0, data[:100]).json()["offset"] == 100
    again = send(client, place, 0, data[:100])
    assert (again.status_code, again.json()["error"]["values"]) == (409, {"offset": 100})
    early = client.post(f"{place}/finish")
    assert (early.status_code, early.json()["error"]["values"]) == (409, {"offset": 100})
    assert client.get(place).json()["offset"] == 100
    assert send(client, place, 100, data[100:]).json()["offset"] == len(data)
    state = client.post(f"{place}/finish").json()
    end = time.monotonic() + 20
    while state["state"] != "done" and time.monotonic() < end:
        state = client.get(place).json()
    assert sorted(state["result"]["added"]) == ["2.png", "2.txt"] and state["result"]["refused"] == []


@pytest.mark.parametrize(
    ("offset", "checksum", "status"),
    [(-1, None, 409), (5, None, 409), ("many", None, 400), (0, "00000000", 400), (0, "../../x", 400)],
)
def test_a_lying_part_is_refused(client, cats, offset, checksum, status):
    begun = client.post(f"datasets/{cats}/uploads", json={"name": "1.png", "size": 100}).json()
    place = f"datasets/{cats}/uploads/{begun['id']}"
    assert send(client, place, offset, b"x" * 10, checksum).status_code == status
    assert client.get(place).json()["offset"] == 0
    assert client.delete(place).status_code == 200 and client.get(place).status_code == 404


@pytest.mark.parametrize("body", [{}, {"name": "1.png"}, {"name": "1.png", "size": "9"}, {"name": "1.png", "size": -1}])
def test_a_lying_announcement_is_refused(client, cats, body):
    assert client.post(f"datasets/{cats}/uploads", json=body).status_code == 400


@pytest.mark.parametrize("id", ["0" * 32, "..%2f..%2fx", "%2e%2e", "A" * 32])
def test_an_upload_that_nobody_began_is_not_found(client, cats, id):
    for answer in (client.get(f"datasets/{cats}/uploads/{id}"), client.delete(f"datasets/{cats}/uploads/{id}")):
        assert answer.status_code in (404, 405)


def test_a_part_that_is_too_large_is_not_read_to_its_end(client, cats):
    begun = client.post(f"datasets/{cats}/uploads", json={"name": "1.zip", "size": 1 << 30}).json()
    answer = send(client, f"datasets/{cats}/uploads/{begun['id']}", 0, bytes(65 << 20), "00000000")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
