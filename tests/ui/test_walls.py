"""Nothing of the standalone server answers before a sign-in: not the page, not gradio's routes, not a WebSocket."""

import time
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from lora_trainer.accounts import Accounts, tokens
from lora_trainer.accounts.passwords import Cost
from lora_trainer.accounts.patience import FREE
from lora_trainer.api import PREFIX
from lora_trainer.api.gate import visitor_of
from lora_trainer.jobs.tickets import Tickets
from lora_trainer.ui.sign_in import SignIn
from lora_trainer.ui.tab import build_tab
from lora_trainer.ui.walls import VISITOR, LoopbackWall, ReadOnlyCarrier, SignInWall, guard

jwt = pytest.importorskip("jwt", reason="hosts sign people in themselves")

SECRET = "a long password"
SESSION = f"{PREFIX}/session"
HTML = {"accept": "text/html,*/*"}


async def told(request):
    return PlainTextResponse(f"hello {guard(request).name}")


async def taken(request):
    return PlainTextResponse("taken")


async def talk(websocket):
    await websocket.accept()
    await websocket.send_text(websocket.scope[VISITOR].name)
    await websocket.close()


@pytest.fixture
def accounts(tmp_path):
    made = Accounts(tmp_path, Cost(2**4, 1, 1))
    made.add("ann", SECRET, "admin")
    return made


@pytest.fixture
def tickets():
    return Tickets()


@pytest.fixture
def server(accounts, tickets):
    """Any application behind the wall."""
    paths = ("/", "/gradio_api/info", "/file=x", f"{PREFIX}/state", f"{PREFIX}/session", f"{PREFIX}/page/1/main.js")
    routes = [Route(path, told, methods=["GET", "POST"]) for path in paths]
    app = Starlette(routes=[*routes, WebSocketRoute("/events", talk)])
    return SignInWall(app, SignIn(accounts), tickets)


@pytest.fixture
def client(server):
    return TestClient(server, base_url="http://testserver")


def sign_in(client, name="ann", password=SECRET, **more):
    return client.post(SESSION, json={"name": name, "password": password, **more})


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


UPLOADS = ("/upload", "/gradio_api/upload")
"""Where the versions of gradio take files: 3 and 4, and later ones."""


@pytest.mark.parametrize("path", [*UPLOADS, "/gradio_api/queue/join", "/run/predict", "/", "//upload", "/lora-trainer"])
def test_gradio_s_routes_give_the_page_out_and_take_nothing(path):
    routes = [Route(path, taken, methods=["GET", "POST"]), Route(f"{PREFIX}/jobs", taken, methods=["POST"])]
    client = TestClient(ReadOnlyCarrier(Starlette(routes=[*routes, WebSocketRoute("/queue/join", talk)])))
    refused = client.post(f"http://testserver{path}", files={"files": b"x" * 2**20})
    assert code(refused) == (405, "not_taken")
    assert client.get(f"http://testserver{path}").text == client.post(f"{PREFIX}/jobs").text == "taken"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/queue/join"):
        pass


def test_gradio_itself_is_behind_that(monkeypatch, tmp_path):
    gradio = pytest.importorskip("gradio", minversion="4")
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    app = gradio.mount_gradio_app(Starlette(), build_tab(), path="/")
    paths = [path for path in UPLOADS if TestClient(app).post(path, files={"files": b"x"}).status_code == 200]
    assert len(paths) == 1 and any(tmp_path.iterdir())
    behind = TestClient(ReadOnlyCarrier(app))
    assert [code(behind.post(path, files={"files": b"x"})) for path in paths] == [(405, "not_taken")]
    assert behind.get("/config").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/gradio_api/info", "/file=x", f"{PREFIX}/state", SESSION, f"{PREFIX}/page/1/main.js", "/none", "//"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH"])
def test_nothing_answers_before_a_sign_in(client, path, method):
    assert client.request(method, path).status_code == 401


def test_a_browser_gets_the_page_to_sign_in_where_it_wanted_another(client):
    answer = client.get("/", headers=HTML)
    assert answer.status_code == 401 and 'type="password"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"] and answer.headers["x-frame-options"]
    chinese = client.get("/", headers={**HTML, "accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
    assert "密码" in chinese and "Password" not in chinese
    assert "../../lora-trainer/v1/session" in client.get("/a/b/c", headers=HTML).text


def test_the_right_password_opens_everything_by_a_cookie_that_no_script_reads(client):
    answer = sign_in(client)
    cookie = answer.headers["set-cookie"].lower()
    assert answer.json() == {"name": "ann", "role": "admin"} and "token" not in answer.text
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" not in cookie
    assert client.get("/").text == client.get(f"{PREFIX}/state").text == "hello ann"


def test_under_https_the_cookie_goes_nowhere_else(server):
    assert "secure" in sign_in(TestClient(server, base_url="https://testserver")).headers["set-cookie"].lower()


def test_below_a_path_the_cookie_goes_nowhere_else(accounts, tickets):
    app = Starlette(routes=[Route("/", told)])
    client = TestClient(SignInWall(app, SignIn(accounts, "/trainer"), tickets))
    assert "path=/trainer;" in sign_in(client).headers["set-cookie"].lower()
    assert "path=/trainer;" in client.delete(SESSION).headers["set-cookie"].lower()


@pytest.mark.parametrize("strict", [True, False])
def test_browsers_are_told_to_come_by_https_only_where_the_server_has_a_certificate(accounts, tickets, strict):
    client = TestClient(SignInWall(Starlette(), SignIn(accounts), tickets, strict=strict))
    for answer in (client.get("/"), sign_in(client), client.get("/none")):
        assert ("strict-transport-security" in answer.headers) == strict


def test_programs_carry_their_token_and_get_the_next_one(client):
    token = sign_in(client, bearer=True).json()["token"]
    assert not client.cookies
    named = {"authorization": f"Bearer {token}"}
    assert client.get("/", headers=named).text == "hello ann"
    following = client.put(SESSION, headers=named).json()["token"]
    assert client.get("/", headers={"authorization": f"Bearer {following}"}).status_code == 200


def test_a_cookie_is_not_made_a_token_that_scripts_could_read(client):
    sign_in(client)
    answer = client.put(SESSION)
    assert answer.status_code == 401 and "token" not in answer.json()


def test_a_wrong_token_is_not_mended_by_a_cookie(client):
    sign_in(client)
    assert client.get("/", headers={"authorization": "Bearer x"}).status_code == 401


def test_after_a_sign_out_the_cookie_is_good_no_more_even_where_it_was_copied(client):
    sign_in(client)
    copied = dict(client.cookies)
    assert client.delete(SESSION).status_code == 200 and not client.cookies
    assert client.get("/", cookies=copied).status_code == 401


def test_a_session_in_use_is_renewed(client, monkeypatch):
    sign_in(client)
    first, now = dict(client.cookies), time.time()
    client.get("/")
    assert dict(client.cookies) == first
    monkeypatch.setattr(tokens.time, "time", lambda: now + tokens.RENEWED_AFTER + 2)
    client.get("/")
    assert dict(client.cookies) != first


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong"), ("nobody", SECRET), ("", ""), ("ann\r\nx: y", SECRET)]
)
def test_a_wrong_try_is_told_the_same_whoever_it_was(client, name, password):
    answer = sign_in(client, name, password)
    assert code(answer) == (401, "sign_in_wrong") and "set-cookie" not in answer.headers


def test_wrong_tries_are_slowed_down_and_then_even_the_right_one_waits(client):
    for _ in range(FREE):
        sign_in(client, password="wrong")
    answer = sign_in(client)
    assert code(answer) == (429, "sign_in_wait") and int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name": 1}', b"\xff", b"x" * 10_000, b"[" * 5_000])
def test_a_garbled_sign_in_is_refused_in_words(client, body):
    answer = client.post(SESSION, content=body)
    assert 400 <= answer.status_code < 500 and answer.json()["error"]["text"]


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_site_s_page_neither_signs_in_nor_out_nor_does_anything(client, headers):
    sign_in(client)
    for method, path in (("POST", SESSION), ("PUT", SESSION), ("DELETE", SESSION), ("POST", "/gradio_api/info")):
        assert code(client.request(method, path, headers=headers)) == (403, "cross_site")
    assert client.get("/").status_code == 200


def test_a_token_of_no_algorithm_or_another_key_is_none(client, accounts):
    now = int(time.time())
    claims = {"sub": "ann", "ver": accounts.get("ann").version, "sid": "x", "since": now, "iat": now, "exp": now + 60}
    for forged in (jwt.encode(claims, "", "none"), jwt.encode(claims, b"k" * 32), "x.y.z"):
        assert client.get("/", headers={"authorization": f"Bearer {forged}"}).status_code == 401


def test_a_changed_password_signs_everybody_of_that_name_out(client, accounts):
    sign_in(client)
    accounts.set_password("ann", "another password")
    assert client.get("/").status_code == 401


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
def test_a_websocket_is_not_opened_by_strangers_or_other_sites(client, headers):
    if headers:
        sign_in(client)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/events", headers=headers):
        pass


def test_a_websocket_opens_with_the_cookie_or_with_a_ticket_once(client, tickets, accounts):
    ticket = tickets.issue(accounts.get("ann").visitor)
    with client.websocket_connect(f"/events?ticket={ticket}") as socket:
        assert socket.receive_text() == "ann"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"/events?ticket={ticket}"):
        pass
    assert client.get(f"/?ticket={tickets.issue(accounts.get('ann').visitor)}").status_code == 401
    sign_in(client)
    with client.websocket_connect("/events", headers={"origin": "http://testserver"}) as socket:
        assert socket.receive_text() == "ann"


async def watched(websocket):
    """As the routes behind the wall do: the visitor is asked for at the beginning, and again later."""
    names = [(await visitor_of(websocket, guard, websocket.app.state.tickets)).name]
    await websocket.accept()
    await websocket.send_text(names[0])
    await websocket.receive_text()
    await websocket.send_text(getattr(guard(websocket), "name", "nobody"))


@pytest.mark.parametrize("by_ticket", [True, False])
@pytest.mark.parametrize("what", ["changes the password", "leaves", "stays"])
def test_who_a_websocket_s_visitor_is_can_be_asked_again(accounts, tickets, what, by_ticket):
    app = Starlette(routes=[WebSocketRoute("/events", watched)])
    app.state.tickets = tickets
    client = TestClient(SignInWall(app, SignIn(accounts), tickets))
    accounts.add("bob", SECRET, "admin")
    if not by_ticket:
        sign_in(client, "bob")
    ticket = tickets.issue(accounts.get("bob").visitor)
    with client.websocket_connect(f"/events?ticket={ticket}&x=1" if by_ticket else "/events") as socket:
        assert socket.receive_text() == "bob"
        if what == "leaves":
            accounts.remove("bob")
        elif what != "stays":
            accounts.set_password("bob", "another password")
        socket.send_text("and now?")
        assert socket.receive_text() == ("bob" if what == "stays" else "nobody")


def test_a_ticket_is_good_for_half_a_minute(tickets, accounts, monkeypatch):
    from lora_trainer.jobs import tickets as module

    ticket = tickets.issue(accounts.get("ann").visitor)
    late = time.monotonic() + module.GOOD_FOR + 1
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: late))
    assert tickets.redeem(ticket) is None


@pytest.fixture
def local():
    return TestClient(LoopbackWall(Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])))


@pytest.mark.parametrize("host", ["localhost", "localhost:7870", "127.0.0.1:7870", "[::1]:7870", "127.0.0.2"])
def test_without_a_sign_in_this_machine_is_answered(local, host):
    assert local.get("/", headers={"host": host}).text == "hello"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:7870"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost@evil.example"},
        {"host": "10.0.0.1"},
        {"host": ""},
        {"host": "localhost", "x-forwarded-for": "1.2.3.4"},
        {"host": "localhost", "forwarded": "for=1.2.3.4"},
    ],
    ids=str,
)
def test_without_a_sign_in_names_of_elsewhere_and_proxies_are_not(local, headers):
    assert code(local.get("/", headers=headers)) == (403, "not_this_machine")
