"""Posting to a web address, as little as it takes: no redirect is followed, and no answer is read but its status."""

from __future__ import annotations

import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .. import __version__
from ..errors import ConfigError
from ..sentences import Sentence
from .channel import Undelivered
from .reach import PATIENCE, Reach, port_of, trusted, web_address

TRY_AGAIN = (408, 425, 429)
LONGEST_WAIT = 300.0
"""Seconds that a server may ask us to wait."""


def post(url: str, content: Mapping[str, Any], reach: Reach, headers: Mapping[str, str] | None = None) -> None:
    """Post an object as JSON. Raises Undelivered."""
    try:
        _judge(_answer(url, json.dumps(content).encode("ascii"), reach, headers or {}))
    except ConfigError as error:  # what may be reached has changed since it was set up
        raise Undelivered(error.problems[0], again=False) from None  # type: ignore[arg-type]
    except (OSError, HTTPException, ValueError) as error:
        raise broken_off(error) from None


def shown(url: str) -> str:
    """What may be known of an address whose path is its secret."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"


def broken_off(error: Exception) -> Undelivered:
    """What is told of a connection that failed. The error's own message may hold the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        sentence = "The server's certificate is none that this machine believes."
        return Undelivered(Sentence("notice_certificate", sentence), again=False)
    return Undelivered(Sentence("notice_unreached", "The server could not be reached, or broke off."))


def _answer(url: str, body: bytes, reach: Reach, headers: Mapping[str, str]) -> HTTPResponse:
    """The answer of the server, of which the headers are read. Raises ConfigError, OSError or HTTPException."""
    parts = web_address(url, reach)
    host, port = parts.hostname or "", port_of(parts)
    connection = HTTPConnection(host, port)
    connection.sock = _connected(parts.scheme, host, port, reach)
    try:
        if parts.scheme == "https":
            connection.sock = trusted().wrap_socket(connection.sock, server_hostname=host)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        said = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": f"TrainLoRA/{__version__}"}
        connection.request("POST", path, body, {**said, "Connection": "close", **headers})
        with connection.getresponse() as answer:
            return answer
    finally:
        connection.close()


def _connected(scheme: str, host: str, port: int, reach: Reach) -> socket.socket:
    """A connection, through the proxy that the system names for encrypted ones, where it names any."""
    proxy = urlsplit("" if scheme != "https" or proxy_bypass(host) else getproxies().get("https", ""))
    if proxy.scheme != "http" or not proxy.hostname:
        return reach.connect(host, port)
    tunnel = HTTPConnection(proxy.hostname, port_of(proxy), timeout=PATIENCE)
    named = b64encode(unquote(f"{proxy.username or ''}:{proxy.password or ''}").encode()).decode()
    headers = {"Proxy-Authorization": f"Basic {named}"} if proxy.username else {}
    tunnel.set_tunnel(reach.through_proxy(host, port), port, headers)
    tunnel.connect()
    return tunnel.sock


def _judge(answer: HTTPResponse) -> None:
    """Raise Undelivered unless the server took it."""
    status = answer.status
    if 200 <= status < 300:
        return
    again = status in TRY_AGAIN or status >= 500
    sentence = "The server did not take it (status {status})."
    raise Undelivered(Sentence("notice_refused", sentence, status=status), again=again, after=_wait(answer))


def _wait(answer: HTTPResponse) -> float:
    """The seconds that the server asks for before the next try."""
    try:
        seconds = float(answer.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
    return min(LONGEST_WAIT, seconds) if seconds > 0 else 0.0
