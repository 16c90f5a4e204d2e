"""Posting to a web address, as little as it takes: no redirect is followed, and no answer is read but its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from .. import __version__
from ..errors import ConfigError
from ..sentences import Sentence
from .channel import Undelivered
from .reach import Reach, port_of, trusted, web_address

TRY_AGAIN = (408, 425, 429)
LONGEST_WAIT = 300.0
"""Seconds that a server may ask us to wait."""


def post(url: str, content: Mapping[str, Any], reach: Reach, headers: Mapping[str, str] | None = None) -> None:
    """Post an object as JSON. Raises Undelivered."""
    try:
        _judge(_answer(url, json.dumps(content).encode("ascii"), reach, headers or {}))
    except ConfigError as error:  # what may be reached has changed since it was set up
        raise Undelivered(error.problems[0], again=False) from None  # type: ignore[arg-type]
    except (OSError, HTTPException):  # a message of these may hold the address
        raise Undelivered(unreached()) from None


def shown(url: str) -> str:
    """What may be known of an address whose path is its secret."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}/…"


def unreached() -> Sentence:
    return Sentence("notice_unreached", "The server could not be reached, or broke off.")


def _answer(url: str, body: bytes, reach: Reach, headers: Mapping[str, str]) -> HTTPResponse:
    """The answer of the server, of which the headers are read. Raises ConfigError, OSError or HTTPException."""
    parts = web_address(url, reach)
    host, port = parts.hostname or "", port_of(parts)
    connection = HTTPConnection(host, port)
    connection.sock = reach.connect(host, port)
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
