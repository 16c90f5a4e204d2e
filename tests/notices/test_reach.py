"""What a page that others can open may make this machine talk to."""

import ipaddress
import socket
import threading

import pytest

from lora_trainer.errors import ConfigError
from lora_trainer.notices import CHANNELS
from lora_trainer.notices.channel import Undelivered, checked
from lora_trainer.notices.notice import trial
from lora_trainer.notices.reach import Reach, Unreachable, is_public

from .servers import mail_server, web_server

OUTSIDE, INNER = Reach(), Reach(inner=True)
INSIDE = (
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "224.0.0.1",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
)
NOT_FROM_A_PAGE = (
    "http://example.com/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "https://localhost/x",
    "https://example.com:22/",
    "https://user:word@example.com/",
    "ftp://example.com/",
    "example.com",
    "https://",
    "https://example.com:0/",
    "https://example.com:x/",
    "file:///etc/passwd",
    "https://2130706433/",
    "https://[::1",
)
WRONG_MAIL = (
    {"sender": "nobody"},
    {"recipients": ""},
    {"recipients": "a@example.com\nBcc: b@example.com"},
    {"port": "x"},
    {"port": "0"},
    {"port": "99999"},
    {"security": "maybe"},
    {"security": "none"},
    {"server": ""},
    {"shell": "sh"},
)


@pytest.mark.parametrize("address", INSIDE)
def test_an_inner_address_is_none_of_the_open_network_however_it_is_wrapped(address):
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_an_address_of_the_open_network_is(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("url", [*NOT_FROM_A_PAGE, "https://a b/"])
def test_a_page_that_others_can_reach_cannot_name_it(url):
    with pytest.raises(ConfigError):
        checked("webhook", {"url": url}, OUTSIDE)


def test_it_can_name_what_is_outside_and_the_machine_s_own_page_everything():
    assert checked("discord", {"url": "https://discord.com/api/webhooks/1/x"}, OUTSIDE)
    assert checked("webhook", {"url": "http://192.168.1.2:8123/x"}, INNER)


def test_a_name_that_leads_to_an_inner_address_is_not_asked(monkeypatch):
    with web_server() as (address, posted):
        port = int(address.rpartition(":")[2])
        inner = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [inner])
        with pytest.raises(Unreachable):
            OUTSIDE.connect("rebound.example.com", port)
        with pytest.raises(Undelivered):
            CHANNELS.get("webhook").deliver(trial(), {"url": "https://rebound.example.com/"}, OUTSIDE)
    assert not posted


def test_neither_is_a_mail_server_there():
    values = {"server": "127.0.0.1", "security": "tls", "sender": "a@example.com", "recipients": "b@example.com"}
    with mail_server() as (port, _), pytest.raises(ConfigError):
        checked("email", {**values, "port": str(port)}, OUTSIDE)


@pytest.mark.parametrize("wrong", WRONG_MAIL)
def test_wrong_values_are_told(wrong):
    values = {"server": "mail.example.com", "sender": "a@example.com", "recipients": "b@example.com"}
    assert checked("email", values, OUTSIDE)["security"] == "starttls"
    with pytest.raises(ConfigError):
        checked("email", {**values, **wrong}, OUTSIDE)


def test_a_password_is_never_sent_in_the_open():
    values = {"server": "10.0.0.2", "security": "none", "sender": "a@example.com", "recipients": "b@example.com"}
    assert checked("email", values, INNER)
    with pytest.raises(ConfigError):
        checked("email", {**values, "password": "x"}, INNER)


@pytest.mark.parametrize(("reach", "asked"), [(INNER, "example.com"), (OUTSIDE, "1.1.1.1")])
def test_a_proxy_is_asked_for_the_address_that_was_looked_at(monkeypatch, reach, asked):
    proxy, lines = socket.create_server(("127.0.0.1", 0)), []

    def refuse():
        connection, _ = proxy.accept()
        lines.append(connection.recv(1000).decode().split()[:2])
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        connection.close()

    looked_up = socket.getaddrinfo
    place = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 443))
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *more, **_: [place] if host == "example.com" else looked_up(host, *more)
    )
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    thread = threading.Thread(target=refuse)
    thread.start()
    with proxy, pytest.raises(Undelivered):
        CHANNELS.get("webhook").deliver(trial(), {"url": "https://example.com/x"}, reach)
    thread.join()
    assert lines == [["CONNECT", f"{asked}:443"]]
