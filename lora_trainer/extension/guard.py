"""Who may use the trainer's routes: exactly those who may use the WebUI that they are added to, by the same names.

Routes of an extension are open by themselves, whatever `--gradio-auth` and `--api-auth` say.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..api.errors import Refused
from ..sentences import Sentence
from ..visitor import ADMIN, NOBODY_IN_PARTICULAR, USER, Visitor

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

COOKIES = ("access-token", "access-token-unsecure")
"""gradio's cookies of a visitor who has logged in; newer versions add '-' and the app's `cookie_id`."""


class Guard:
    """Asked about every request to the trainer's routes on `app`.

    With `--gradio-auth`, a visitor who has logged in may come in; with `--api-auth`, a program that names one of
    `api_auth` ({user: password}); with both, either. Without any, everybody, as on the page itself, and all are one.

    `page_auth` are the accounts of a page that there is not (`--nowebui`): they name themselves as programs do.

    Of those with names, `admins` see everybody's runs. A WebUI knows no roles, so where nobody is named the first
    account of its login is the admin, and of `--api-auth` where the page has none.
    """

    def __init__(
        self,
        app: Any,
        api_auth: Mapping[str, str],
        admins: Collection[str] = (),
        page_auth: Mapping[str, str] | None = None,
    ) -> None:
        self.app, self.api_auth, self.admins, self.page_auth = app, api_auth, admins, page_auth or None

    def __call__(self, request: HTTPConnection) -> Visitor:
        """Who makes the request. Raises Refused when it is not to be answered."""
        login = getattr(self.app, "auth", None)
        page_auth = self.page_auth if login is None else login
        if page_auth is None and not self.api_auth:
            return NOBODY_IN_PARTICULAR
        if page_auth is not None and (name := self._logged_in(request)) is not None:
            return self._visitor(name, page_auth)
        named = _credentials(request)
        if named and (_is_among(named, self.api_auth) or (page_auth is not None and _is_let_in(named, page_auth))):
            return self._visitor(named[0], page_auth)
        # A browser asks for a name and password itself only where the page has no login of its own.
        headers = {"WWW-Authenticate": 'Basic realm="Train LoRA", charset="UTF-8"'} if login is None else {}
        raise Refused(Sentence("not_signed_in", "Sign in first."), 401, headers)

    def _visitor(self, name: str, page_auth: Any) -> Visitor:
        accounts = page_auth if isinstance(page_auth, Mapping) else {} if page_auth else self.api_auth
        admins = self.admins or list(accounts)[:1]
        return Visitor(name, ADMIN if name in admins else USER)

    def _logged_in(self, request: HTTPConnection) -> str | None:
        """The name of a visitor who has logged in on the page."""
        tokens = getattr(self.app, "tokens", None) or {}
        found = (request.cookies.get(name) for name in self._cookie_names())
        return next((str(tokens[token]) for token in found if token in tokens), None)

    def _cookie_names(self) -> Iterator[str]:
        yield from COOKIES
        if cookie_id := getattr(self.app, "cookie_id", None):
            yield from (f"{name}-{cookie_id}" for name in COOKIES)


def _credentials(request: HTTPConnection) -> tuple[str, str] | None:
    """User and password of HTTP Basic authentication."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (user, password) if colon else None


def _is_among(named: tuple[str, str], accounts: Mapping[str, str]) -> bool:
    """Compared in constant time: how long it takes tells nothing about a password."""
    user, password = named
    known = accounts.get(user)
    return known is not None and hmac.compare_digest(known.encode("utf-8"), password.encode("utf-8"))


def _is_let_in(named: tuple[str, str], page_auth: Any) -> bool:
    """Whether the page's own login would take them: gradio holds a table, or a function of user and password."""
    if callable(page_auth):
        return bool(page_auth(*named))
    return isinstance(page_auth, Mapping) and _is_among(named, page_auth)
