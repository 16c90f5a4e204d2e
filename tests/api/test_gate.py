import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.api.accounts import account_guard

STATE = f"{PREFIX}/state"


@pytest.fixture
def guarded(desk):
    """An application that asks for sign-ins as the host's does."""

    def make(api_auth=None, auth=None):
        app = Starlette()
        add_routes(app, desk, account_guard(api_auth))
        app.auth, app.tokens = auth, {"a session": "ann"}
        return TestClient(app)

    return make


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


def test_without_accounts_everybody_is_let_in(guarded):
    assert guarded().get(STATE).status_code == 200


def test_api_accounts_are_asked_for_as_the_host_s_own_api_does(guarded):
    client = guarded(api_auth="ann:secret,bob:other")
    refused = client.get(STATE)
    assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Basic")
    assert client.get(STATE, auth=("ann", "wrong")).status_code == 401
    assert client.get(STATE, auth=("nobody", "")).status_code == 401
    assert client.get(STATE, auth=("bob", "other")).status_code == 200


@pytest.mark.parametrize("cookie", ["access-token", "access-token-unsecure", "access-token-x7-unsecure"])
def test_whoever_signed_in_to_the_page_is_let_in(guarded, cookie):
    client = guarded(auth={"ann": "secret"})
    assert client.get(STATE).status_code == 401
    assert client.get(STATE, headers={"cookie": f"{cookie}=made up"}).status_code == 401
    assert client.get(STATE, headers={"cookie": f"{cookie}=a session"}).status_code == 200


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
