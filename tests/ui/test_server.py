"""The server as it is: with its own certificate, its limits on slow clients, and its end."""

import contextlib
import os
import signal
import socket
import ssl
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.api import PREFIX
from lora_trainer.errors import UserError
from lora_trainer.jobs.tickets import Tickets
from lora_trainer.ui import connections, server
from lora_trainer.ui.certificates import Certificate
from lora_trainer.ui.server import Place, listening, server_of


async def hello(request):
    return PlainTextResponse(f"{request.url.scheme} {len(await request.body())}")


SIZE = 16 * 2**20


async def much(request):
    async def pieces():
        for _ in range(400):
            yield b"x" * 2**18

    return StreamingResponse(pieces())


async def whole(request):
    return PlainTextResponse(b"x" * SIZE)


APP = Starlette(
    routes=[Route("/", hello, methods=["GET", "POST"]), Route("/much", much), Route("/whole", whole)],
)


@contextlib.contextmanager
def serving(place=None, app=APP):
    """A server in a thread; gives its address."""
    place = place or Place(port=0)
    listener, running = listening(place), server_of(app, place)
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    try:
        wait_for(lambda: running.started)
        yield listener.getsockname()
    finally:
        running.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def hasty(monkeypatch):
    """All times a hundredth of what they are."""
    for name, value in {
        "LOOK_EVERY": 0.05,
        "HEAD_SECONDS": 0.3,
        "GRACE": 0.3,
        "REST_SECONDS": 0.3,
        "STALLED_SECONDS": 0.3,
    }.items():
        monkeypatch.setattr(connections, name, value)


def closed(client, seconds=12.0):
    """Whether the server closes the connection within that time."""
    client.settimeout(seconds)
    try:
        while client.recv(2**16):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_its_own_certificate_makes_it_https(tmp_path):
    trustme = pytest.importorskip("trustme", reason="trustme is not installed")
    issuer = trustme.CA()
    made = issuer.issue_cert("127.0.0.1")
    made.private_key_and_cert_chain_pem.write_to_path(tmp_path / "one.pem")
    context = ssl.create_default_context()
    issuer.configure_trust(context)
    with serving(Place(port=0, certificate=Certificate(tmp_path / "one.pem"))) as (host, port):
        assert httpx.get(f"https://{host}:{port}/", verify=context).text == "https 0"
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://{host}:{port}/")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nhalf",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP",
    ],
    ids=["nothing", "half a head", "half a body", "half a second request"],
)
def test_who_sends_nothing_any_more_is_let_go(hasty, sent):
    with serving() as place, socket.create_connection(place) as client:
        client.sendall(sent)
        began = time.monotonic()
        assert closed(client) and time.monotonic() - began < 13


@pytest.mark.parametrize("asked", [b"/much HTTP/1.1\r\n", b"/whole HTTP/1.1\r\nConnection: close\r\n"])
def test_who_takes_nothing_of_the_answer_is_let_go(hasty, asked):
    with serving() as place, socket.create_connection(place) as client:
        client.sendall(b"GET " + asked + b"Host: x\r\n\r\n")
        time.sleep(1.5)
        client.settimeout(5)
        came = 0
        with contextlib.suppress(ConnectionError):
            while piece := client.recv(2**20):
                came += len(piece)
        assert came < SIZE


def test_a_proxy_may_take_nothing_for_longer_while_its_buffers_feed_a_slow_client(hasty):
    with serving(Place(port=0, proxies=("127.0.0.1",))) as place, socket.create_connection(place) as client:
        client.sendall(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(1.2)
        client.settimeout(15)
        came = 0
        while piece := client.recv(2**20):
            came += len(piece)
        assert came > SIZE


def test_who_takes_the_answer_slowly_but_steadily_gets_all_of_it(hasty, monkeypatch):
    monkeypatch.setattr(connections, "STALLED_SECONDS", 0.7)
    with serving() as place, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        client.connect(place)
        client.settimeout(15)
        client.sendall(b"GET /whole HTTP/1.1\r\nHost: x\r\n\r\n")
        came = 0
        for _ in range(20):
            time.sleep(0.1)
            came += len(client.recv(2**16))
        assert came < SIZE / 2
        while piece := client.recv(2**20):
            came += len(piece)
        assert came > SIZE


def test_who_has_the_answer_and_still_sends_is_let_go(hasty):
    with serving() as place, socket.create_connection(place) as client:
        client.sendall(b"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(200):
                client.sendall(b"x" * 2**16)
                time.sleep(0.02)


def test_who_sends_drop_by_drop_is_let_go_too(hasty):
    with serving() as place, socket.create_connection(place) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError):
            for _ in range(100):
                client.sendall(b"a: b\r\n")
                time.sleep(0.03)


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
def test_who_is_refused_before_all_is_sent_hears_it(more):
    with serving() as place, socket.create_connection(place) as client:
        head = b"POST /none HTTP/1.1\r\nHost: x\r\n" + more + b"Content-Length: %d\r\n\r\n" % SIZE
        client.sendall(head + bytes(SIZE))
        client.settimeout(15)
        answer = b""
        while piece := client.recv(2**16):
            answer += piece
            if answer.endswith(b"Not Found"):
                return
        pytest.fail(f"only {answer!r} came")


def test_a_busy_connection_stays_open_for_as_many_requests_as_come(hasty):
    with serving() as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
        for _ in range(12):
            assert client.post("/", content=b"x" * 2000).text == "http 2000"
            time.sleep(0.08)


def test_one_address_cannot_take_all_connections_but_a_proxy_can(monkeypatch):
    monkeypatch.setattr(connections, "OF_ONE_ADDRESS", 3)
    for proxies, left in ((), 3), (("127.0.0.1",), 6):
        with serving(Place(port=0, proxies=proxies)) as place, contextlib.ExitStack() as all_of_them:
            clients = [all_of_them.enter_context(socket.create_connection(place)) for _ in range(6)]
            assert sum(not closed(client, 0.2) for client in clients) == left


def test_a_head_without_end_is_refused():
    with serving() as place, socket.create_connection(place) as client:
        with contextlib.suppress(OSError):
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: " + b"b" * 2**18)
        assert closed(client)


def test_a_port_in_use_is_a_sentence_or_the_next_one_is_taken():
    with listening(Place(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match="cannot be used"):
            listening(Place(port=port, any_port=False))
        with listening(Place(port=port)) as other:
            assert other.getsockname()[1] > port


class Desk:
    """Notes what is asked of it at the end."""

    accounts = None

    def __init__(self, folder=None):
        self.closed, self.tickets = [], Tickets()
        self.host = SimpleNamespace(data_folder=lambda: folder)

    def close(self, seconds):
        self.closed.append(seconds)


def test_the_whole_page_lies_below_a_path_whether_or_not_the_proxy_takes_it_out(tmp_path):
    pytest.importorskip("jwt", reason="hosts sign people in themselves")
    pytest.importorskip("gradio", minversion="4")
    accounts = Accounts(tmp_path, Cost(2**4, 1, 1))
    accounts.add("ann", "a long password", "admin")
    made = server.make_server(Desk(tmp_path), accounts, Place(proxies=("127.0.0.1",), root_path="/trainer"))
    told = {"x-forwarded-host": "corner.example", "x-forwarded-proto": "https", "origin": "https://corner.example"}
    client = TestClient(made, base_url="https://corner.example", headers=told, client=("127.0.0.1", 5))
    signed = client.post(f"/trainer{PREFIX}/session", json={"name": "ann", "password": "a long password"})
    assert signed.status_code == 200 and "Path=/trainer" in signed.headers["set-cookie"]
    cookie = {"cookie": signed.headers["set-cookie"].partition(";")[0]}
    for path in ("/trainer/", "/"):
        page = client.get(path, headers=cookie)
        assert page.status_code == 200 and '"root":"https://corner.example/trainer"' in page.text
    assert client.get(f"/trainer{PREFIX}/page/1/main.js", headers=cookie).status_code == 200


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_being_told_to_end_the_server_closes_all_that_runs_and_returns(monkeypatch, name, capsys):
    told, desk = getattr(signal, name), Desk()
    monkeypatch.setattr(server, "make_server", lambda *_: APP)

    def end():
        wait_for(lambda: "http://" in capsys.readouterr().out)
        time.sleep(0.2)
        os.kill(os.getpid(), told)

    before = signal.getsignal(told)
    thread = threading.Thread(target=end)
    thread.start()
    server.serve(desk, Place(port=0))
    thread.join()
    assert desk.closed == [server.ENDING_SECONDS] and signal.getsignal(told) is before
