"""Requests to one server: who asks, and what the answers mean."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from ..errors import ConfigError
from ..sentences import Sentence
from ..wire import PREFIX
from .errors import ServerRefused, Unreachable, refusal

TIMEOUT = 60.0
"""Seconds without a byte after which a connection is given up."""
NO_SIGN_IN = (404, 405)
PIECE = 2**20


class Connection:
    """A server under `url`, with a sub-path where it has one. Certificates are checked.

    With `name` and `password` it signs in at the first request: for a token where the server has a sign-in of its own,
    by HTTP Basic where it has none (a WebUI). A `token` that is given is renewed as long as it is good.
    """

    def __init__(self, url: str, name: str = "", password: str = "", token: str = "", timeout: float = TIMEOUT) -> None:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
            sentence = "'{url}' is no address of a server, such as https://trainer.example:7870."
            raise ConfigError([Sentence("server_address", sentence, url=url)])
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._name, self._password, self._timeout = name, password, timeout
        self._token, self._renew_at = token, 0.0
        self._basic = False
        context = ssl.create_default_context()
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirects)

    def json(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The answer of a route. Raises ServerRefused, WrongOptions, Unreachable."""
        content = None if body is None else json.dumps(body).encode("utf-8")
        return self.send(method, path, content, query, kind="application/json")

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None,
        query: Mapping[str, Any] | None = None,
        kind: str = "application/octet-stream",
    ) -> Any:
        """As `json`, for a body that is bytes already."""
        with self.opened(method, path, content, query, {"Content-Type": kind} if content is not None else {}) as answer:
            return self._read(answer)

    @contextmanager
    def opened(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer, to be read by `pieces`."""
        self._sign_in_or_renew()
        try:
            answer = self._answer(method, path, content, query, {**(headers or {}), **self._authorization()})
        except ServerRefused as error:
            if error.status != 401 or not (self._token and self._password):
                raise
            self._token = ""  # it has ended meanwhile, as after a start of the server
            self._sign_in_or_renew()
            answer = self._answer(method, path, content, query, {**(headers or {}), **self._authorization()})
        with answer:
            yield answer

    def content(self, path: str) -> bytes:
        """What a route gives that is no JSON, such as a picture."""
        with self.opened("GET", path) as answer:
            return b"".join(self.pieces(answer))

    def pieces(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        """What an answer holds, bit by bit. Raises Unreachable when the connection breaks."""
        while True:
            try:
                piece = answer.read(PIECE)
            except (OSError, http.client.HTTPException) as error:
                raise Unreachable(self.url, error) from error
            if not piece:
                if answer.length:  # bytes that were promised
                    raise Unreachable(self.url, "the connection broke")
                return
            yield piece

    def sign_in_as(self, name: str, password: str) -> None:
        """Sign in anew at the next request: the token so far is good no more."""
        self._name, self._password, self._token = name, password, ""

    def sign_out(self) -> None:
        """End the session, where there is one."""
        if self._token:
            self.json("DELETE", "/session")
            self._token = ""

    def _sign_in_or_renew(self) -> None:
        if self._token:
            if time.monotonic() >= self._renew_at:
                self._renew()
        elif self._name and not self._basic:
            self._sign_in()

    def _sign_in(self) -> None:
        """Get a token. A WebUI has none to give: it knows name and password from the header, which both may read."""
        body = {"name": self._name, "password": self._password, "bearer": True}
        try:
            self._take_token(self._session("POST", body, _basic(self._name, self._password)))
        except ServerRefused as error:
            if error.status not in NO_SIGN_IN:
                raise
            self._basic = True

    def _renew(self) -> None:
        """Get the next token; one that is not good any more shows at the request itself."""
        self._renew_at = time.monotonic() + TIMEOUT
        try:
            self._take_token(self._session("PUT", {}, self._authorization()))
        except ServerRefused as error:
            if error.status not in (*NO_SIGN_IN, 401):
                raise

    def _take_token(self, answer: Mapping[str, Any]) -> None:
        self._token = str(answer["token"])
        self._renew_at = time.monotonic() + float(answer["seconds"]) / 2

    def _session(self, method: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
        content = json.dumps(body).encode("utf-8")
        with self._answer(method, "/session", content, None, {"Content-Type": "application/json", **headers}) as answer:
            return self._read(answer)

    def _authorization(self) -> Mapping[str, str]:
        if self._token:
            return {"Authorization": f"Bearer {self._token}"}
        return _basic(self._name, self._password) if self._basic else {}

    def _answer(
        self,
        method: str,
        path: str,
        content: bytes | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        address = f"{self.url}{PREFIX}{path}{'?' + urlencode(query) if query else ''}"
        request = urllib.request.Request(address, content, dict(headers), method=method)
        try:
            return cast(http.client.HTTPResponse, self._opener.open(request, timeout=self._timeout))
        except urllib.error.HTTPError as error:
            with error:
                raise refusal(self.url, error.code, _plain(error)) from None
        except urllib.error.URLError as error:
            raise Unreachable(self.url, error.reason) from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self.url, error) from error

    def _read(self, answer: http.client.HTTPResponse) -> Any:
        try:
            return json.loads(b"".join(self.pieces(answer)))
        except ValueError:
            raise refusal(self.url, answer.status, None) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Passwords and tokens go nowhere else; the answer itself says that this is not the server."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _basic(name: str, password: str) -> Mapping[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def _plain(answer: Any) -> Any:
    try:
        return json.loads(answer.read())
    except (OSError, ValueError, http.client.HTTPException):
        return None


def place(*parts: str) -> str:
    """A path of names, each of them whole: /jobs/ID."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)
