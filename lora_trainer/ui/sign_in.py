"""Signing in to the standalone server: a name and a password become a token, which a cookie or a program carries."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from ..accounts import Account, Accounts
from ..accounts.tokens import GOOD_FOR, Token, Tokens
from ..api.call import Malformed, value_of
from ..api.errors import Refused
from ..api.gate import not_signed_in
from ..api.given import from_json
from ..sentences import Sentence
from ..visitor import Visitor

MOST_BYTES = 8 * 2**10

log = logging.getLogger(__name__)


class SignIn:
    """Gives tokens for passwords, reads them from requests, and ends them.

    `root_path` is what visitors see before all paths: browsers send the cookie to what lies below it alone.
    """

    def __init__(self, accounts: Accounts, root_path: str = "") -> None:
        self._path = root_path or "/"
        self.accounts, self.tokens, self.patience = accounts, Tokens(accounts), accounts.patience
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="train-lora sign-in")

    def token_of(self, connection: HTTPConnection) -> tuple[Token | None, bool]:
        """The good token that a request carries, if any, and whether a cookie held it.

        A program that names one in its header is judged by that alone.
        """
        kind, _, named = connection.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return self.tokens.read(named.strip()), False
        cookie = connection.cookies.get(self.tokens.cookie, "")
        return (self.tokens.read(cookie) if cookie else None), True

    async def begin(self, request: Request) -> Response:
        """Answer a sign-in: {name, password, bearer}. With `bearer` the token is in the answer, else in a cookie."""
        given = await _json(request)
        name, password = value_of(given, "name", str, ""), value_of(given, "password", str, "")
        account = await self._admitted(name, password, request.client.host if request.client else "")
        return self._signed(request, account, None, bearer=value_of(given, "bearer", bool, False))

    def go_on(self, request: Request) -> Response:
        """A program's next token, for one that is still good."""
        return self._signed(request, *self._required(request), bearer=True)

    def end(self, request: Request) -> Response:
        """Sign out: neither the token nor any other of this session is good any more."""
        token, _ = self.token_of(request)
        if token is not None:
            self.tokens.end(token)
        response = JSONResponse({})
        response.delete_cookie(self.tokens.cookie, path=self._path, httponly=True, samesite="strict")
        return response

    def put_cookie(self, connection: HTTPConnection, response: Response, text: str) -> None:
        """Let a browser keep a token where no script can read it, and send it to nobody else."""
        response.set_cookie(
            self.tokens.cookie,
            text,
            max_age=GOOD_FOR,
            path=self._path,
            httponly=True,
            samesite="strict",
            secure=connection.url.scheme in ("https", "wss"),
        )

    def _signed(self, request: Request, account: Account, before: Token | None, *, bearer: bool) -> Response:
        text = self.tokens.sign(account, before)
        answer: dict[str, Any] = {"name": account.name, "role": account.role}
        if bearer:
            answer |= {"token": text, "seconds": GOOD_FOR}
        response = JSONResponse(answer, headers={"cache-control": "no-store"})
        if not bearer:
            self.put_cookie(request, response, text)
        return response

    async def _admitted(self, name: str, password: str, address: str) -> Account:
        """Raises Refused after a wrong try, and before one that comes too soon after others."""
        if (wait := self.patience.begin(name, address)) > 0:
            seconds = int(wait) + 1
            sentence = "There were too many wrong tries. Try again in {seconds} seconds."
            raise Refused(Sentence("sign_in_wait", sentence, seconds=seconds), 429, {"Retry-After": str(seconds)})
        loop = asyncio.get_running_loop()
        account = await loop.run_in_executor(self._pool, self.accounts.admitted, name, password)
        if account is None:
            log.warning("A sign-in as %r from %s was refused.", name[:60], address)
            raise Refused(Sentence("sign_in_wrong", "The name or the password is wrong."), 401)
        self.patience.succeeded(name, address)
        return account

    def _required(self, request: Request) -> tuple[Account, Token]:
        """Of the header alone: what a cookie holds is to stay where no script can read it."""
        token, from_cookie = self.token_of(request)
        if token is None or from_cookie:
            raise not_signed_in()
        return token.account, token


def visitor_of(token: Token) -> Visitor:
    return token.account.visitor


async def _json(request: Request) -> dict[str, Any]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise Refused(Sentence("sign_in_large", "A name and a password are smaller than that."), 413)
    given = from_json(bytes(body) or b"{}")
    if not isinstance(given, dict):
        raise Malformed(Sentence("not_json", "The request's body is not JSON."))
    return given
