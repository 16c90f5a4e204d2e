"""Only a trusted proxy's word is taken on who asks, by which scheme and for which host."""

import asyncio

import pytest

from lora_trainer.errors import ConfigError
from lora_trainer.ui.proxies import Forwarded, Proxies, checked_root_path

TOLD = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-forwarded-host": "corner.example"}


def seen(headers, peer="127.0.0.1", path="/", kind="http", root_path="", proxies=("127.0.0.1",)):
    """The scope behind it, or the answer that it gives itself."""
    found, sent = [], []

    async def app(scope, receive, send):
        found.append(scope)

    async def send(message):
        sent.append(message)

    given = [(name.encode(), value.encode()) for name, value in {"host": "inner:7870", **headers}.items()]
    scheme = "ws" if kind == "websocket" else "http"
    scope = {"type": kind, "path": path, "raw_path": path.encode(), "client": (peer, 5), "scheme": scheme}
    asyncio.run(Forwarded(app, Proxies(proxies), root_path)({**scope, "headers": given}, None, send))
    return found[0] if found else sent[0]


def names(scope):
    return {name.decode(): value.decode() for name, value in scope["headers"]}


def test_a_trusted_proxy_tells_who_asks_by_which_scheme_and_for_which_host():
    scope = seen(TOLD)
    assert (scope["client"], scope["scheme"]) == (("203.0.113.9", 5), "https")
    assert names(scope) == {"host": "corner.example"}
    assert seen(TOLD, kind="websocket")["scheme"] == "wss"


@pytest.mark.parametrize("peer", ["203.0.113.7", "127.0.0.2", "::2", "nonsense"])
def test_what_anybody_else_tells_is_forgotten(peer, caplog):
    scope = seen({**TOLD, "forwarded": "for=1.2.3.4"}, peer)
    assert (scope["client"], scope["scheme"], names(scope)) == ((peer, 5), "http", {"host": "inner:7870"})
    assert "--behind-proxy" in caplog.text


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_of_a_chain_the_first_that_is_not_trusted_is_the_client(chain, client):
    assert seen({"x-forwarded-for": chain}, proxies=("127.0.0.1", "10.0.0.0/8"))["client"][0] == client


@pytest.mark.parametrize("headers", [{"x-forwarded-proto": "javascript"}, {"x-forwarded-host": ""}, {}])
def test_what_a_proxy_leaves_out_or_garbles_stays_as_it_came(headers):
    scope = seen(headers)
    assert (scope["scheme"], names(scope)["host"]) == ("http", "inner:7870")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("path", ["/trainer/lora-trainer/v1/state", "/lora-trainer/v1/state"])
def test_a_path_that_all_lies_below_is_cut_off_where_the_proxy_has_left_it(path, kind):
    scope = seen({}, path=path, kind=kind, root_path="/trainer")
    assert (scope["path"], scope["raw_path"]) == ("/lora-trainer/v1/state", b"/lora-trainer/v1/state")
    assert seen({}, path="/trainers/x", root_path="/trainer")["path"] == "/trainers/x"


def test_without_its_last_stroke_it_is_sent_to_where_links_are_right():
    answer = seen({}, path="/trainer", root_path="/trainer")
    assert answer["status"] == 308 and (b"location", b"/trainer/") in answer["headers"]


@pytest.mark.parametrize("path", ["trainer", "/a b", "/a?b", "/../a", "//evil.example", "/a\nb", "/ä"])
def test_what_could_be_no_such_path_is_a_sentence(path):
    with pytest.raises(ConfigError, match="lie below"):
        checked_root_path(path)
    assert [checked_root_path(one) for one in ("", "/", "/a/", "/a/b")] == ["", "", "/a", "/a/b"]


def test_what_is_no_address_is_a_sentence():
    with pytest.raises(ConfigError, match="no address of a proxy"):
        Proxies(["proxy.example"])
