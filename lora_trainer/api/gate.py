"""Who may ask: no other site's page through a visitor's browser, and whoever the host lets in."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from ..sentences import Sentence
from .errors import Refused

Guard = Callable[[Request], Any]
"""The host's own say: raises Refused (or returns False) when the request is not to be answered; may be async."""

READING = ("GET", "HEAD", "OPTIONS")


def require_same_site(request: Request) -> None:
    """Raise Refused when a browser says that another site's page makes this request to change something."""
    if request.method in READING:
        return
    if request.headers.get("sec-fetch-site", "") == "cross-site":
        raise Refused(Sentence("cross_site", "Requests from other sites' pages are not answered."))
    origin = request.headers.get("origin") or request.headers.get("referer")
    if not origin:
        return  # no browser sends a writing request without one of them
    hosts = {request.headers.get(name, "").lower() for name in ("host", "x-forwarded-host")} - {""}
    if urlsplit(origin).netloc.lower() not in hosts:
        raise Refused(Sentence("cross_site", "Requests from other sites' pages are not answered."))


async def require_let_in(request: Request, guard: Guard | None) -> None:
    """Raise Refused unless the host's guard lets the request in."""
    if guard is None:
        return
    verdict = guard(request)
    if inspect.isawaitable(verdict):
        verdict = await verdict
    if verdict is False:
        raise not_signed_in()


def not_signed_in(*, basic: bool = False) -> Refused:
    """The answer that asks for a sign-in; `basic`: a browser may ask for name and password by itself."""
    headers = {"WWW-Authenticate": 'Basic realm="Train LoRA"'} if basic else None
    return Refused(Sentence("not_signed_in", "Sign in first."), 401, headers)
