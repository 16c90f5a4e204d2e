"""A guard that honours a host's --api-auth and --gradio-auth, which the host itself applies to its own routes only."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from .gate import Guard, not_signed_in

SESSION = "access-token"
"""How gradio's cookies of signed-in browsers begin; versions add to it."""


def account_guard(api_auth: str | None) -> Guard:
    """Lets in whoever signed in to gradio or sends one of the names and passwords of `api_auth` ("name:word,...").

    Where neither is set up, everybody. Whether gradio asks for a sign-in is read from the application at each request.
    """
    users = dict(entry.strip().partition(":")[::2] for entry in (api_auth or "").split(",") if ":" in entry)

    def guard(request: Request) -> None:
        accounts = getattr(request.app, "auth", None)
        if not users and accounts is None:
            return
        known = {**users, **(accounts if isinstance(accounts, Mapping) else {})}
        if not (_has_session(request) or _has_password(request, known)):
            raise not_signed_in(basic=bool(users))

    return guard


def _has_session(request: Request) -> bool:
    tokens: Any = getattr(request.app, "tokens", None) or {}
    return any(name.startswith(SESSION) and value in tokens for name, value in request.cookies.items())


def _has_password(request: Request, users: Mapping[str, str]) -> bool:
    """HTTP basic authentication, compared in a time that tells nothing."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        name, _, word = base64.b64decode(text, validate=True).decode("utf-8").partition(":")
    except ValueError:
        return False
    expected = users.get(name)
    return secrets.compare_digest(word.encode(), (expected or "").encode()) and expected is not None
