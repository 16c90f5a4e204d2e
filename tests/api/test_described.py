"""The specification says of every route what it takes and gives; its examples are true."""

import json

import pytest

from lora_trainer.api.described import openapi, read_examples, refusals_of
from lora_trainer.wire.common import Raw
from tests.api.house import House
from tests.api.playing import ENTRIES, misfit, play, undescribed

EXAMPLES = read_examples()
LACKING = "It needs a docstring, `gives`, and `takes` where it has a body, in its table of routes."


@pytest.fixture(scope="module")
def house(tmp_path_factory, pictures):
    made = House(tmp_path_factory.mktemp("house"), pictures)
    yield made
    made.close()


@pytest.mark.parametrize("route", ENTRIES)
def test_a_route_is_described(route):
    entry = ENTRIES[route]
    assert (entry.handler.__doc__ or "").strip() and entry.gives is not None, f"{route}: {LACKING}"
    assert route in EXAMPLES, f"{route} needs an example: `path`, `query` and `body` of a request in api/examples.json."


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for path in openapi()["paths"].values() for operation in path.values()]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("route", [one for one in EXAMPLES if one in ENTRIES])
def test_an_example_is_answered_as_it_is_described(house, route):
    pytest.importorskip("jsonschema_rs")
    entry, example = ENTRIES[route], EXAMPLES[route]
    answer = play(house, route, example)
    assert answer.status_code == example.get("status", 200), answer.text
    if answer.status_code != 200:
        assert answer.status_code in refusals_of(entry)
        return
    (kind, content), *others = operation_of(entry)["responses"]["200"]["content"].items()
    assert answer.headers["content-type"].partition(";")[0] in {kind, *(name for name, _ in others)}
    if not isinstance(entry.gives, Raw):
        schema, told = content["schema"], answer.json()
        assert not misfit(schema, told)
        assert not undescribed(schema, told)
        if "answer" in example:
            assert not misfit(schema, example["answer"])


def test_the_options_in_it_are_those_of_the_configuration():
    steps = openapi()["components"]["schemas"]["Options"]["properties"]["steps"]
    assert steps["type"] == "integer" and "description" in steps and "minimum" in steps


def test_it_is_served(house):
    told = house.client.get("openapi.json").json()
    assert told == json.loads(json.dumps(openapi())) and told["openapi"].startswith("3.1")


def operation_of(entry):
    path = entry.path.replace(":path", "").replace(":int", "")
    return openapi()["paths"][path][entry.method.lower()]


def test_options_that_are_no_options_are_a_sentence_also_beside_a_data_set(house):
    for values in ({"data": 1.5}, {"data": "x"}, {"data": [1]}):
        answer = house.client.post("jobs", json={"values": values, "dataset": house.known["cats-4f1d"]})
        assert answer.status_code == 422, answer.text
        assert answer.json()["problems"][0]["path"] == "data"


def test_pictures_are_shown_at_any_resolution_that_is_asked_for(house):
    for resolution in (1, 5, 63, 9999):
        answer = house.client.get(f"datasets/{house.known['cats-4f1d']}?resolution={resolution}")
        assert answer.status_code == 200, answer.text
