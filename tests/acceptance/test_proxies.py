"""The standalone server behind a real nginx and a real Caddy, with the configurations that docs/serving.md shows."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.accounts.patience import FREE
from lora_trainer.api import PREFIX
from lora_trainer.client import Client, Unreachable
from tests.browser.conftest import BROWSERS, FLAGS

pytestmark = pytest.mark.acceptance
ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
SECRET, PATIENCE = "a long password", 90
TRIED = [f"user{n}" for n in range(2 * FREE)]
"""Whose passwords somebody guesses."""
NGINX_AROUND = """daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
http {{ access_log off; {paths} {content} }}
"""
PATHS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
CADDY_AROUND = "{{\n admin off\n auto_https off\n}}\n{content}"


def shown(language):
    """The blocks of that language in the documentation."""
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.DOTALL)


def replaced(text, **changes):
    """The text with other names and ports, each of which must stand in it."""
    for before, after in changes.values():
        assert before in text, f"docs/serving.md has no '{before}' any more"
        text = text.replace(before, str(after))
    return text


@dataclass(frozen=True)
class Server:
    """A running `serve`."""

    port: int
    folder: Path
    process: subprocess.Popen


@dataclass
class Front:
    """A proxy before one, which can be ended and begun again; `plain` is its port for HTTP, where it has one."""

    name: str
    port: int
    path: str
    server: Server
    command: list
    plain: int = 0
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"https://localhost:{self.port}{self.path}"

    def begin(self):
        environment = {**os.environ, "HOME": str(self.server.folder)}
        self.process = subprocess.Popen(self.command, env=environment, stderr=subprocess.DEVNULL)
        wait_for_port(self.port, self.process)

    def end(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def free_port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def wait_for_port(port, process):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, f"it ended with {process.returncode}"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.1)
    pytest.fail("it did not answer in time")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A folder with a certificate, its key, and the issuer's certificate."""
    trustme = pytest.importorskip("trustme", reason="trustme is not installed")
    folder, issuer = tmp_path_factory.mktemp("certificate"), trustme.CA()
    made = issuer.issue_cert("localhost")
    issuer.cert_pem.write_to_path(folder / "issuer.pem")
    made.private_key_pem.write_to_path(folder / "privkey.pem")
    for blob in made.cert_chain_pems:
        blob.write_to_path(folder / "fullchain.pem", append=True)
    return folder


@pytest.fixture(scope="module")
def trust(certificate):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate / "issuer.pem"))
        yield ssl.create_default_context(cafile=certificate / "issuer.pem")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """`serve`, once for a whole host name and once below a path: {path: Server}."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    pytest.importorskip("jwt", reason="PyJWT is not installed")
    if not any(map(shutil.which, ("nginx", "caddy"))):
        pytest.skip("there is neither nginx nor caddy")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
    with contextlib.ExitStack() as all_of_them:
        made = {}
        for path in ("", "/trainer"):
            folder, port = tmp_path_factory.mktemp("served"), free_port()
            accounts = Accounts(folder / ".train-lora", Cost(2**4, 1, 1))
            accounts.add("root", SECRET, "admin")
            for name in ("ann", *TRIED):
                accounts.add(name, SECRET, "user")
            where = ["--port", str(port), "--data", str(folder), "--behind-proxy", "127.0.0.1"]
            below = ["--root-path", path] if path else []
            command = [sys.executable, "-m", "lora_trainer", "serve", *where, *below]
            log = all_of_them.enter_context((folder / "server.log").open("w", encoding="utf-8"))
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            all_of_them.callback(process.wait, PATIENCE)
            all_of_them.callback(process.terminate)
            made[path] = Server(port, folder, process)
        for server in made.values():
            wait_for_port(server.port, server.process)
        yield made


@pytest.fixture(
    scope="module",
    params=[(name, path) for path in ("", "/trainer") for name in ("nginx", "caddy")],
    ids=lambda one: f"{one[0]}{one[1].replace('/', ' below ')}",
)
def front(request, servers, certificate, tmp_path_factory):
    """A proxy with the documented configuration, not yet running."""
    name, path = request.param
    if shutil.which(name) is None:
        pytest.skip(f"there is no {name}")
    make = nginx if name == "nginx" else caddy
    return make(path, servers[path], certificate, tmp_path_factory.mktemp(name))


def nginx(path, server, certificate, folder):
    (content,) = shown("nginx")
    port, plain = free_port(), free_port()
    content = replaced(
        content,
        port=("listen 443 ssl", f"listen {port} ssl"),
        plain=("listen 80", f"listen {plain}"),
        name=("corner.example", "localhost"),
        certificate=("/etc/ssl/corner", certificate),
        server=("127.0.0.1:7870", f"127.0.0.1:{server.port}"),
        place=("location / {", f"location {path}/ {{"),
    )
    paths = " ".join(f"{one}_temp_path {folder}/{one};" for one in PATHS)
    (folder / "nginx.conf").write_text(NGINX_AROUND.format(folder=folder, paths=paths, content=content))
    return Front("nginx", port, path, server, ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], plain)


def caddy(path, server, certificate, folder):
    content = next(block for block in shown("caddy") if (path in block if path else "redir" not in block))
    port, line = free_port(), re.search(r"`(tls .*?)`", DOCS)[1]
    content = replaced(
        content,
        port=("corner.example {", f"https://localhost:{port} {{\n    {line}"),
        certificate=("/etc/ssl/corner", certificate),
        server=("127.0.0.1:7870", f"127.0.0.1:{server.port}"),
    )
    (folder / "Caddyfile").write_text(CADDY_AROUND.format(content=content))
    words = ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    return Front("caddy", port, path, server, words)


@pytest.fixture(scope="module")
def up(front):
    front.begin()
    yield front
    front.end()


@pytest.fixture
def before_root(servers, certificate, tmp_path):
    """A proxy that is up before the server of a whole host name."""
    make = nginx if shutil.which("nginx") else caddy
    front = make("", servers[""], certificate, tmp_path)
    front.begin()
    yield front
    front.end()


@pytest.fixture
def browser():
    """One that is gone after the test: while it is there, other tests here could not wait for anything."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("there is no browser")
    with playwright.sync_playwright() as play:
        yield play.chromium.launch(executable_path=found, headless=True, args=FLAGS)


@pytest.fixture
def visitor(up, trust):
    """Somebody's requests through the proxy, from an address of their own."""
    with contextlib.ExitStack() as all_of_them:

        def make(address="127.0.0.1", **headers):
            transport = httpx.HTTPTransport(verify=trust, local_address=address)
            client = httpx.Client(base_url=f"{up.url}{PREFIX}/", transport=transport, headers=headers, timeout=PATIENCE)
            return all_of_them.enter_context(client)

        yield make


def sign_in(client, name="ann", password=SECRET, **more):
    return client.post("session", json={"name": name, "password": password, **more})


def test_one_signs_in_with_a_cookie_for_https_and_this_path_alone_and_out_again(visitor, up):
    client = visitor(Origin=f"https://localhost:{up.port}")
    assert client.get("state").status_code == 401
    cookie = sign_in(client).headers["set-cookie"]
    assert "Secure" in cookie and f"Path={up.path or '/'};" in cookie and "SameSite=strict" in cookie
    page = client.get(f"{up.url}/")
    assert page.status_code == 200 and f'"root":"{up.url}"' in page.text
    assert client.get("state").json()["visitor"]["name"] == "ann"
    assert client.delete("session").status_code == 200 and client.get("state").status_code == 401


def test_who_comes_without_https_or_the_last_stroke_is_sent_where_they_wanted_to_go(visitor, up):
    client = visitor()
    if up.plain:
        sent = httpx.get(f"http://localhost:{up.plain}{up.path}/?a=b")
        assert (sent.status_code, sent.headers["location"]) == (301, f"https://localhost:{up.plain}{up.path}/?a=b")
    if up.path:
        assert str(client.get(up.url, follow_redirects=True).url) == f"{up.url}/"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}],
)
def test_another_site_s_page_does_nothing_here(visitor, headers):
    client = visitor(**headers)
    assert sign_in(client).json()["error"]["code"] == "cross_site"


def test_wrong_tries_are_counted_by_who_really_sends(visitor, up):
    address = f"127.0.{1 + ('nginx', 'caddy').index(up.name)}.{7 + len(up.path)}"
    forger = visitor(address, Forwarded="for=9.9.9.9", **{"X-Real-IP": "9.9.9.9"})
    tries = []
    for n, name in enumerate(TRIED):
        wrong = {"name": name, "password": "wrong"}
        tries.append(forger.post("session", json=wrong, headers={"X-Forwarded-For": f"9.9.9.{n}"}).status_code)
        if tries[-1] == 429:
            break
    assert tries[:FREE] == [401] * FREE and tries[-1] == 429
    assert sign_in(visitor("127.0.0.1")).status_code == 200
    log = (up.server.folder / "server.log").read_text(encoding="utf-8")
    assert f"from {address} was refused" in log and "9.9.9." not in log


def test_a_websocket_tells_the_state_through_the_proxy_and_to_nobody_else(visitor, up, trust):
    sockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")
    client = visitor()
    sign_in(client)
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())

    def heard(headers):
        address = f"{up.url}{PREFIX}/live".replace("https", "wss")
        with sockets.connect(address, ssl=trust, additional_headers=headers) as told:
            return json.loads(told.recv(PATIENCE))

    good = {"Cookie": cookie, "Origin": f"https://localhost:{up.port}"}
    assert heard(good)["state"]["visitor"]["name"] == "ann"
    for wrong in ({**good, "Origin": "https://evil.example"}, {"Origin": good["Origin"]}):
        with pytest.raises(Exception, match="HTTP 403"):
            heard(wrong)


def noise(side):
    made = BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(3 * side * side)).save(made, "PNG")
    return made.getvalue()


def test_files_larger_than_a_proxy_s_usual_limit_go_up_in_parts_and_come_down_whole(visitor, up, trust):
    client, content = Client(up.url, "ann", SECRET), noise(1000)
    made = client.datasets.create("zorb")
    assert len(content) > 2 * 2**20 and client.datasets.add_bytes(made["id"], "one.png", content)["added"] == [
        "one.png"
    ]
    other = visitor()
    sign_in(other)
    packed = other.get(f"datasets/{made['id']}/export")
    assert packed.status_code == 200 and content in packed.content
    client.sign_out()


def test_who_is_refused_hears_it_although_they_still_send(visitor):
    answer = visitor().put("datasets/none/uploads/none?offset=0", content=bytes(8 * 2**20))
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "not_signed_in")


def test_a_real_browser_signs_in_and_is_told_of_news_over_a_socket(up, browser):
    context = browser.new_context(ignore_https_errors=True, locale="en-GB")
    page, complaints, told = context.new_page(), [], []
    page.set_default_timeout(PATIENCE * 1000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda _: told.append(socket.url)))
    page.goto(up.url)
    page.fill("input[name=name]", "ann")
    page.fill("input[name=password]", SECRET)
    page.click("button")
    page.wait_for_selector(".lt[data-ready]")
    while not told:
        page.wait_for_timeout(100)
    (cookie,) = context.cookies()
    context.close()
    assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == (up.path or "/", True, True)
    assert told[0].startswith(f"wss://localhost:{up.port}{up.path}{PREFIX}/live") and not complaints


def test_a_client_goes_on_over_a_start_of_the_proxy(up, trust):
    client = Client(up.url, "ann", SECRET)
    assert client.visitor()["name"] == "ann"
    up.end()
    with pytest.raises(Unreachable):
        client.visitor()
    up.begin()
    assert client.visitor()["name"] == "ann"


def test_being_told_to_end_the_server_ends_in_good_order_under_an_open_socket(before_root, trust):
    sockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")
    front, server = before_root, before_root.server
    client = Client(front.url, "ann", SECRET)
    ticket = client.server.json("POST", "/tickets")["ticket"]

    address = f"{front.url}{PREFIX}/live?ticket={ticket}".replace("https", "wss")
    with sockets.connect(address, ssl=trust) as told:
        told.recv(PATIENCE)
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(Exception, match="service restart"):
            while True:
                told.recv(PATIENCE)
    assert server.process.wait(PATIENCE) == 0
    with pytest.raises(Unreachable, match="50"):
        client.visitor()
