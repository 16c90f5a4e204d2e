import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.api.errors import Refused
from lora_trainer.api.gate import not_signed_in


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://elsewhere.example"},
        {"referer": "http://elsewhere.example/page"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "null"},
    ],
)
def test_another_site_s_page_changes_nothing(client, headers):
    answer = client.post("datasets", json={"name": "stolen"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site")
    assert "stolen" not in client.get("datasets").text


def test_our_own_page_does(client):
    made = client.post("datasets", json={"name": "own"}, headers={"origin": "http://testserver"}).json()
    assert client.delete(f"datasets/{made['id']}").status_code == 200


@pytest.mark.parametrize("verdict", [False, Refused(not_signed_in().sentence, 401)])
def test_the_host_s_guard_is_asked_first(desk, verdict):
    def guard(request):
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    app = Starlette()
    add_routes(app, desk, guard)
    answer = TestClient(app).post(f"{PREFIX}/datasets", json={"name": "stolen"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff", b"[" * 100_000, b'"text"'])
def test_a_body_that_is_no_object_is_refused_in_words(client, body):
    answer = client.post("check", content=body)
    assert answer.status_code == 400 and answer.json()["error"]["text"]


def test_a_body_that_is_too_large_is_not_read_to_its_end(client):
    answer = client.post("check", content=b" " * (3 * 2**20))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("name", ["..%2f..%2fconfig.yaml", "%2fetc%2fpasswd", "..%5c..%5cx.png", "a%00.png", "CON.png"])
def test_names_do_not_lead_out_of_their_folders(client, dataset, name):
    assert client.get(f"datasets/{dataset}/thumbs/{name}").status_code in (400, 404)
    assert client.get(f"jobs/nothing/saves/{name}").status_code in (400, 404)
    answer = client.put(f"datasets/{dataset}/files/{name}", content=b"no picture")
    assert answer.status_code in (400, 404) or answer.json()["added"] == []


def test_the_host_s_switch_for_pictures_in_between_is_set_over_the_routes(client, desk, monkeypatch):
    assert client.get("state").json()["host"]["gives_way"] is False
    monkeypatch.setattr(desk.host, "gives_way", True, raising=False)
    answer = client.put("host", json={"give_way": False}).json()
    assert (answer["gives_way"], answer["give_way"], desk.host.gives_way) == (True, False, False)
