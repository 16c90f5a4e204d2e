"""Channels of notices, over the routes."""

from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.datasets.roots import Roots
from lora_trainer.notices import Notices
from tests.notices.servers import web_server

SECRET = "s3cret"


@pytest.fixture
def served(tmp_path):
    """Makes a client: of a page that others can reach, or of one that only this machine can."""

    def make(*, listens):
        roots = Roots([] if listens else None)
        desk = SimpleNamespace(notices=Notices(tmp_path / "notices"), datasets=SimpleNamespace(roots=roots))
        desk.seen_by = lambda visitor: desk
        app = Starlette()
        add_routes(app, desk)
        return TestClient(app, base_url=f"http://testserver{PREFIX}")

    return make


def test_a_channel_is_added_tried_changed_and_removed(served):
    client = served(listens=False)
    with web_server() as (address, posted):
        values = {"url": f"{address}/{SECRET}", "token": SECRET}
        made = client.post("notices", json={"kind": "webhook", "name": "phone", "values": values}).json()
        assert client.post(f"notices/{made['id']}/test").json()["ok"] and len(posted) == 1
    assert not client.post(f"notices/{made['id']}/test").json()["ok"]
    changed = client.put(f"notices/{made['id']}", json={"when": ["failed"], "on": False}).json()
    assert (changed["when"], changed["on"], changed["name"]) == (["failed"], False, "phone")
    (listed,) = client.get("notices").json()["channels"]
    assert listed["outcome"]["occasion"] == "test" and not listed["outcome"]["ok"]
    assert client.delete(f"notices/{made['id']}").status_code == 200
    assert client.delete(f"notices/{made['id']}").status_code == 404


def test_no_answer_gives_a_secret_out_again(served):
    client = served(listens=False)
    values = {"url": f"http://127.0.0.1:9/{SECRET}", "token": SECRET}
    answers = [client.post("notices", json={"kind": "webhook", "values": values})]
    where = f"notices/{answers[0].json()['id']}"
    answers += [client.put(where, json={"on": True}), client.post(f"{where}/test"), client.get("notices")]
    answers += [client.put(where, json={"values": {"url": "https://elsewhere.example.com"}})]
    assert all(answer.status_code == 200 and SECRET not in answer.text for answer in answers)
    assert client.get("notices").json()["channels"][0]["place"] == "http://127.0.0.1:9/…"


@pytest.mark.parametrize("url", ["http://example.com/", "https://169.254.169.254/latest", "https://localhost/"])
def test_where_others_reach_the_page_it_names_no_inner_address(served, url):
    client = served(listens=True)
    refused = client.post("notices", json={"kind": "webhook", "values": {"url": url}})
    assert refused.status_code == 422 and client.get("notices").json()["channels"] == []
    assert client.get("notices").json()["inner"] is False


WRONG = (
    {},
    {"kind": "pigeon"},
    {"kind": "webhook"},
    {"kind": "webhook", "values": []},
    {"kind": ["webhook"]},
    {"kind": "webhook", "values": {"url": 3}},
    {"kind": "slack", "values": {"url": "https://a.example/"}, "when": 1},
)


@pytest.mark.parametrize("body", WRONG)
def test_what_is_wrong_is_an_answer(served, body):
    assert served(listens=False).post("notices", json=body).status_code in (400, 422)
