"""Presets over the routes: listed, kept, shared, taken, deleted."""

import pytest

VALUES = {"network": {"rank": 4}, "save": {"name": "anna"}, "data": {"folders": [{"path": "/home/me"}]}}
WHY = "Rank 4 is enough for my watercolours."


@pytest.fixture
def soft(client):
    made = client.post("presets", json={"title": "Soft one", "why": WHY, "values": VALUES})
    assert made.status_code == 200, made.json()
    yield made.json()
    client.delete(f"presets/{made.json()['name']}")


def names(client):
    return [preset["name"] for preset in client.get("presets").json()]


def test_presets_have_titles_reasons_and_what_they_are_for(client):
    presets = client.get("presets").json()
    assert all(preset["title"]["text"] and preset["why"]["text"] for preset in presets)
    (one,) = [preset for preset in presets if preset["name"] == "illustrious-style"]
    assert (one["goal"], one["lineage"], one["families"], one["own"]) == ("style", "tags", ["sdxl"], False)
    assert client.get("state").json()["host"]["base"]["lineage"] == ""


def test_the_form_is_kept_for_bases_like_the_held_one_without_what_is_personal(client, soft):
    assert soft["values"] == {"network": {"rank": 4}} and soft["families"] == ["sd1"] and soft["own"]
    assert set(soft["left_out"]) == {"save.name", "data.folders"}
    assert names(client)[-1] == "Soft one"


def test_one_of_that_name_is_replaced_after_asking(client, soft):
    again = {"title": "soft ONE", "why": WHY, "values": {"network": {"rank": 2}}}
    refused = client.post("presets", json=again)
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "preset_exists"
    assert client.post("presets", json=again | {"replace": True}).json()["name"] == "Soft one"
    assert names(client).count("Soft one") == 1


def test_it_is_shared_as_a_file_and_taken_by_another(client, soft):
    answer = client.get("presets/Soft%20one")
    assert (
        "attachment" in answer.headers["content-disposition"]
        and "Soft%20one.yaml" in answer.headers["content-disposition"]
    )
    client.delete("presets/Soft%20one")
    assert "Soft one" not in names(client)
    taken = client.post("presets/import", json={"text": answer.text, "source": "from a friend.yaml"}).json()
    assert taken == soft | {"left_out": []}


def test_a_wrong_file_is_refused_with_all_its_problems(client):
    text = "title: x\nvalues: {network: {rank: 0, rnak: 2}}"
    answer = client.post("presets/import", json={"text": text, "source": "../../x.yaml"})
    assert answer.status_code == 422
    problems = {(problem["code"], problem["path"]) for problem in answer.json()["problems"]}
    assert problems == {("preset_text", ""), ("option_bounds", "network.rank"), ("option_unknown", "network.rnak")}


@pytest.mark.parametrize("name", ["sdxl-style", "gone", "..%2Fhabits"])
def test_only_own_presets_are_deleted(client, name):
    assert client.delete(f"presets/{name}").status_code == 404
    assert "sdxl-style" in names(client)


def test_a_preset_that_is_not_there_is_a_sentence(client):
    assert client.get("presets/gone").json()["error"]["code"] == "preset_missing"
