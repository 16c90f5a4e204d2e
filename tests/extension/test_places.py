"""The guard holds wherever a WebUI is reached from: by its share link, below a sub path, and without its page."""

import asyncio
import base64
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.extension.guard import Guard
from lora_trainer.host.webui.flags import flags_of
from lora_trainer.jobs.tickets import Tickets

SHARED = "https://0a1b2c3d4e5f.gradio.live"
"""What a share link looks like: a tunnel to the WebUI's own port, so that the same routes answer."""


class Desk:
    tickets = Tickets()

    def seen_by(self, visitor):
        return SimpleNamespace(visitor=visitor, tickets=self.tickets)


@pytest.fixture
def webui():
    """A WebUI of these flags, with somebody logged in on its page where it has one."""

    def start(**options):
        flags = flags_of(SimpleNamespace(**options))
        app = Starlette()
        page = not options.get("nowebui")
        app.auth = dict(flags.page_auth) or None if page else None
        app.tokens = {"secret": "ann"} if page else {}
        add_routes(app, Desk(), Guard(app, flags.api_auth, flags.admins, flags.page_auth))
        return app

    return start


def basic(user, password):
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def status(app, address=SHARED, method="GET", path="session", cookies=None, **headers):
    client = TestClient(app, base_url=address, cookies=cookies or {})
    return client.request(method, f"{PREFIX}/{path}", headers=headers).status_code


@pytest.mark.parametrize("cookie", ["access-token", "access-token-unsecure"])
def test_by_a_share_link_only_those_come_in_who_have_logged_in_there(webui, cookie):
    app = webui(share=True, gradio_auth="ann:secret")
    assert status(app) == status(app, cookies={cookie: "guessed"}) == 401
    assert status(app, cookies={cookie: "secret"}) == 200


def test_by_a_share_link_other_sites_pages_change_nothing(webui):
    app = webui(share=True, gradio_auth="ann:secret")
    mine = {"method": "POST", "path": "tickets", "cookies": {"access-token": "secret"}}
    assert status(app, **mine, origin=SHARED) == 200
    for origin in ("https://evil.example", "https://ffffffffffff.gradio.live", "null"):
        assert status(app, **mine, origin=origin) == 403


def test_who_shares_lets_nobody_name_any_folder_of_the_machine():
    assert flags_of(SimpleNamespace(share=True)).listens and flags_of(SimpleNamespace(nowebui=True)).listens


def answered(app, path, root_path, headers=()):
    """The status for a scope as a server makes it that was told of the sub path."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": root_path}
    asyncio.run(app({**scope, "query_string": b"", "headers": list(headers)}, receive, send))
    return sent[0]["status"]


@pytest.mark.parametrize("path", [f"{PREFIX}/session", f"/sub{PREFIX}/session"])
def test_below_a_sub_path_nobody_gets_past_the_guard_however_the_path_comes(webui, path):
    app = webui(subpath="sub", gradio_auth="ann:secret")
    assert answered(app, path, "/sub") in (401, 404)
    assert answered(app, f"{PREFIX}/session", "/sub") == 401
    assert answered(app, f"{PREFIX}/session", "/sub", [(b"cookie", b"access-token=secret")]) == 200


def test_without_a_page_its_accounts_and_those_of_the_api_name_themselves(webui):
    app = webui(nowebui=True, api_auth="bot:key", gradio_auth="ann:secret")
    assert status(app) == status(app, cookies={"access-token": "secret"}) == 401
    assert status(app, **basic("bot", "wrong")) == 401
    assert status(app, **basic("bot", "key")) == status(app, **basic("ann", "secret")) == 200


def test_the_page_s_script_finds_its_routes_below_a_sub_path():
    """It must name no address from the root of the machine."""
    scripts = Path(__file__).parents[2].joinpath("javascript").glob("*.js")
    for script in scripts:
        assert '"/lora-trainer' not in script.read_text(encoding="utf-8")
