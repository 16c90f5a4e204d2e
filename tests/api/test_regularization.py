"""Regularization pictures over the routes, drawn by the standalone host, and a run that is trained beside them."""

import pytest

from tests.jobs.conftest import wait_for

ASKED = {"data": {"resolution": 64}, "samples": {"steps": 2}}


@pytest.fixture(scope="module")
def drawn(client, dataset):
    body = {"values": ASKED, "dataset": dataset, "prompts": ["a thing"], "negative_prompt": "dull", "count": 2}
    begun = client.post("regularizations", json=body)
    assert begun.status_code == 200, begun.json()
    address = f"regularizations/{begun.json()['id']}"
    wait_for(lambda: client.get(address).json()["state"] not in ("waiting", "drawing"))
    yield client.get(address).json()
    client.delete(f"datasets/{begun.json()['dataset']}")


def test_what_suits_the_run_is_told_before(client, dataset):
    answer = client.post("regularizations/usual", json={"values": ASKED, "dataset": dataset})
    assert answer.json() == {"count": 4, "sizes": [[64, 64, 4]]}


def test_they_become_a_data_set_that_the_page_shows(client, drawn):
    assert (drawn["state"], drawn["done"], drawn["total"], drawn["message"]) == ("done", 2, 2, None)
    assert drawn["names"] == ["class-00001.png", "class-00002.png"] and drawn["result"]["drawn"] == 2
    items = client.get(f"datasets/{drawn['dataset']}").json()["items"]
    assert [item["caption"] for item in items] == ["a thing", "a thing"]
    assert client.get(f"datasets/{drawn['dataset']}/thumbs/class-00001.png").content[:3] == b"\xff\xd8\xff"
    assert client.get("regularizations").json()[0]["id"] == drawn["id"]
    assert client.post(f"regularizations/{drawn['id']}/stop").json()["state"] == "done"


def test_they_are_entered_beside_the_run_s_own_pictures(client, dataset, drawn):
    (path,) = [one["path"] for one in client.get("datasets").json() if one["id"] == drawn["dataset"]]
    assert path == drawn["folder"]
    folders = [{"path": path, "regularization": True}]
    values = {**ASKED, "save": {"name": "new"}, "epochs": 1, "data": {"resolution": 64, "folders": folders}}
    answer = client.post("check", json={"values": values, "dataset": dataset}).json()
    assert answer["problems"] == [] and answer["summary"]["steps"] == 8  # four of each
    (problem,) = client.post("check", json={"values": values}).json()["problems"]
    assert problem["code"] == "only_regularization"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"prompts": []}, 422),
        ({"prompts": "a dog"}, 400),
        ({"count": -1}, 422),
        ({"dataset": "gone"}, 404),
        ({"dataset": ""}, 400),
        ({"values": {"data": {"trigger_word": "zorb"}}, "prompts": ["a zorb"]}, 422),
        ({"name": "..."}, 400),
    ],
)
def test_wrong_requests_are_sentences(client, dataset, change, status):
    answer = client.post("regularizations", json={"dataset": dataset, "prompts": ["a dog"], **change})
    assert answer.status_code == status and answer.json()["error"]["text"]


def test_an_order_that_is_not_there_is_not_found(client):
    assert client.get("regularizations/gone").status_code == client.post("regularizations/gone/stop").status_code == 404
