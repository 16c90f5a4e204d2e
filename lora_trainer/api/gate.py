"""Who may ask: no other site's page through a visitor's browser, and whoever the host lets in, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from ..jobs.tickets import Tickets
from ..sentences import Sentence
from ..visitor import NOBODY_IN_PARTICULAR, Visitor
from .errors import Refused

Guard = Callable[[HTTPConnection], Any]
"""The host's own say: gives the Visitor, and raises Refused (or returns False) when the request is not to be answered.

May be async. What is neither a Visitor nor False is somebody without a name, who may do everything.
"""

READING = ("GET", "HEAD", "OPTIONS")


def require_same_site(request: HTTPConnection) -> None:
    """Raise Refused when a browser says that another site's page makes this request to change something.

    A WebSocket counts as such: no browser asks before it lets a page open one anywhere.
    """
    if request.scope.get("method", "") in READING:
        return
    if request.headers.get("sec-fetch-site", "") == "cross-site":
        raise Refused(Sentence("cross_site", "Requests from other sites' pages are not answered."))
    origin = request.headers.get("origin") or request.headers.get("referer")
    if not origin:
        return  # no browser sends a writing request without one of them
    hosts = {request.headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
    if urlsplit(origin).netloc.lower() not in hosts:
        raise Refused(Sentence("cross_site", "Requests from other sites' pages are not answered."))


async def visitor_of(request: HTTPConnection, guard: Guard | None, tickets: Tickets | None = None) -> Visitor:
    """Who makes the request. Raises Refused unless the host's guard, or a ticket for a WebSocket, lets it in."""
    if guard is None:
        return NOBODY_IN_PARTICULAR
    if tickets is not None and request.scope["type"] == "websocket" and "ticket" in request.query_params:
        if (known := tickets.redeem(request.query_params["ticket"])) is None:
            raise not_signed_in()
        return known
    verdict = guard(request)
    if inspect.isawaitable(verdict):
        verdict = await verdict
    if verdict is False:
        raise not_signed_in()
    return verdict if isinstance(verdict, Visitor) else NOBODY_IN_PARTICULAR


def require_admin(visitor: Visitor) -> None:
    """Raise Refused for whoever is none."""
    if not visitor.sees_all:
        raise Refused(Sentence("admin_only", "Only an admin may do this."))


def not_signed_in(*, basic: bool = False) -> Refused:
    """The answer that asks for a sign-in; `basic`: a browser may ask for name and password by itself."""
    headers = {"WWW-Authenticate": 'Basic realm="Train LoRA"'} if basic else None
    return Refused(Sentence("not_signed_in", "Sign in first."), 401, headers)
