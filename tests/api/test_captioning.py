import shutil

import pytest

from tests.captioning.colours import COLOURS
from tests.captioning.conftest import clip_folder as clip_folder  # a fixture
from tests.captioning.conftest import folder as folder  # a fixture
from tests.jobs.conftest import wait_for


@pytest.fixture
def place(desk):
    """The desk's folder of captioning, empty again afterwards."""
    place = desk.host.data_folder() / "captioners"
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def coloured(client, folder):
    made = client.post("datasets", json={"path": str(folder)}).json()
    yield made["id"]
    client.delete(f"datasets/{made['id']}")


def test_a_data_set_is_captioned_by_a_model_that_the_user_put_there(client, place, coloured, clip_folder):
    shutil.copytree(clip_folder, place)
    (place / "vocabularies").mkdir()
    for vocabulary in client.get("vocabularies").json():
        assert not vocabulary["own"]
        (place / "vocabularies" / f"{vocabulary['name']}.yaml").write_text("tags: []", encoding="utf-8")
    (place / "vocabularies" / "colours.yaml").write_text(f"tags: [{', '.join(COLOURS)}]", encoding="utf-8")
    offered = {one["name"]: one for one in client.get("captioners").json()}
    assert offered["clip"] == {"name": "clip", "models": ["colours"], "missing": None}

    wanted = {"dataset": coloured, "captioner": "clip", "model": "colours", "trigger": "zorb", "threshold": 0.1}
    begun = client.post("captionings", json=wanted).json()
    wait_for(lambda: client.get(f"captionings/{begun['id']}").json()["state"] not in ("waiting", "captioning"))
    ended = client.get(f"captionings/{begun['id']}").json()
    assert (ended["state"], ended["done"], ended["total"], ended["message"]) == ("done", 3, 3, None)
    assert [event["kind"] for event in ended["events"]].count("captioned") == 3
    assert client.get(f"captionings/{begun['id']}?after={ended['next']}").json()["events"] == []
    captions = {item["name"]: item["caption"] for item in client.get(f"datasets/{coloured}").json()["items"]}
    assert captions == {"red.png": "zorb, red", "green.png": "zorb, green", "more/blue.jpg": "zorb, blue"}
    assert [one["id"] for one in client.get("captionings").json()] == [begun["id"]]
    assert client.post(f"captionings/{begun['id']}/stop").json()["state"] == "done"


def test_what_is_missing_is_said_with_its_place(client, place, coloured):
    missing = {one["name"]: one["missing"] for one in client.get("captioners").json()}
    assert missing["clip"]["code"] == "clip_model_missing"
    assert missing["clip"]["values"]["folder"] == str(place / "clip")
    answer = client.post("captionings", json={"dataset": coloured, "captioner": "transformers"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] == "transformers_model_missing"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"dataset": "gone"}, 404),
        ({"captioner": "nobody"}, 400),
        ({"mode": "kep"}, 422),
        ({"threshold": 3}, 422),
        ({"batch": 0}, 422),
        ({"threshold": "high"}, 400),
        ({"model": "../../../etc"}, 400),
        ({"model": "/etc"}, 400),
    ],
)
def test_wrong_requests_are_sentences(client, coloured, change, status):
    answer = client.post("captionings", json={"dataset": coloured, "captioner": "clip"} | change)
    assert answer.status_code == status, answer.json()
    assert answer.json()["error"]["text"]


def test_a_model_of_another_place_is_not_taken_from_a_page(client, coloured, clip_folder):
    wanted = {"dataset": coloured, "captioner": "clip", "model": str(clip_folder / "clip" / "colours")}
    assert client.post("captionings", json=wanted).json()["error"]["code"] == "model_outside"


def test_words_are_put_into_a_vocabulary_and_it_is_turned_off(client):
    shipped = client.get("vocabularies/medium").json()
    assert shipped["shipped"] and shipped["tags"] and shipped["problem"] is None
    changed = client.put("vocabularies/medium", json={"tags": ["a lino print", *shipped["tags"]], "most": 0}).json()
    assert changed["own"] and changed["tags"][0] == "a lino print" and changed["most"] == 0
    assert changed["threshold"] == shipped["threshold"]
    wrong = client.put("vocabularies/medium", json={"threshold": 2})
    assert wrong.json()["error"]["code"] == "vocabulary_unread"
    assert client.put("vocabularies/medium", json={"tags": "a"}).status_code == 400
    client.delete("vocabularies/medium")
    assert client.get("vocabularies/medium").json() == shipped


def test_a_vocabulary_is_changed_and_the_shipped_one_taken_back(client, place):
    shipped = client.get("vocabularies/light").json()
    assert not shipped["own"]
    changed = client.put("vocabularies/light", json={"text": "most: 2\ntags: [dusk]\n"}).json()
    assert (changed["own"], changed["text"], changed["tags"]) == (True, "most: 2\ntags: [dusk]\n", ["dusk"])
    wrong = client.put("vocabularies/light", json={"text": "most: lots"})
    assert wrong.status_code == 400 and wrong.json()["error"]["code"] == "vocabulary_unread"
    assert client.get("vocabularies/light").json() == changed
    assert client.delete("vocabularies/light").status_code == 200
    assert client.get("vocabularies/light").json() == shipped
    assert client.delete("vocabularies/light").status_code == client.get("vocabularies/none").status_code == 404
    assert client.put("vocabularies/..%5C..%5Cx", json={"text": "tags: [a]"}).json()["name"].count("/") == 0
    assert all(file.parent == place / "vocabularies" for file in place.rglob("*.yaml"))


def test_a_captioning_that_is_not_there_is_not_found(client):
    assert client.get("captionings/gone").status_code == client.post("captionings/gone/stop").status_code == 404
