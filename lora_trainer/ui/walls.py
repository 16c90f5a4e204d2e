"""What stands before the whole standalone server: its page, gradio's own routes, ours, and WebSockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..api import PREFIX
from ..api.errors import Refused, answer
from ..api.gate import READING, not_signed_in, require_same_site
from ..errors import UserError
from ..host.base import is_this_machine
from ..jobs.tickets import Tickets
from ..sentences import Sentence
from ..visitor import Visitor
from . import sign_in_page
from .sign_in import SignIn, visitor_of

SESSION = f"{PREFIX}/session"
VISITOR = "train-lora.visitor"
"""Where a scope holds who asks; nothing that a request says can put it there."""
AGAIN = "train-lora.again"
"""Where the scope of a WebSocket holds who that is by now: it may last longer than a sign-in."""
Header = tuple[bytes, bytes]
HEADERS: tuple[Header, ...] = ((b"x-frame-options", b"SAMEORIGIN"), (b"x-content-type-options", b"nosniff"))
ONLY_HTTPS = (b"strict-transport-security", b"max-age=2592000")
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host")


def guard(connection: HTTPConnection) -> Visitor | bool:
    """The guard of routes behind `SignInWall`: False where there is none before them, or who asks may no more."""
    again = connection.scope.get(AGAIN)
    visitor = again() if again else connection.scope.get(VISITOR)
    return visitor if isinstance(visitor, Visitor) else False


class SignInWall:
    """Lets through whoever has signed in; a browser gets the page to do so in the place of any other.

    `strict`: browsers are told to come by HTTPS only, for the server itself has a certificate.
    """

    def __init__(self, app: ASGIApp, sign_in: SignIn, tickets: Tickets, *, strict: bool = False) -> None:
        self.app, self.sign_in, self.tickets = app, sign_in, tickets
        self._headers = (*HEADERS, ONLY_HTTPS) if strict else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope, receive)
        try:
            require_same_site(connection)
            response = await self._session(Request(scope, receive)) if scope["type"] == "http" else None
            visitor, renewal = (None, None) if response else self._let_in(connection)
        except UserError as error:
            response = self._refusal(connection, error)
        except ClientDisconnect:
            return
        if response is not None:
            await refuse(response, scope, receive, send, self._headers)
            return
        if visitor is not None and scope["type"] == "websocket":
            scope = {**_without_ticket(scope), AGAIN: self._again(connection, visitor)}
        await self.app({**scope, VISITOR: visitor}, receive, _with_headers(send, renewal, self._headers))

    async def _session(self, request: Request) -> Response | None:
        """What needs no sign-in before: the sign-in itself, and its end."""
        if request.url.path != SESSION:
            return None
        if request.method == "POST":
            return await self.sign_in.begin(request)
        if request.method == "PUT":
            return self.sign_in.go_on(request)
        return self.sign_in.end(request) if request.method == "DELETE" else None

    def _let_in(self, connection: HTTPConnection) -> tuple[Visitor, bytes | None]:
        """Who it is, and the cookie that takes the place of one that has been used for a while."""
        ticket = connection.query_params.get("ticket") if connection.scope["type"] == "websocket" else None
        if ticket is not None:
            if (visitor := self.tickets.redeem(ticket)) is None:
                raise not_signed_in()
            return visitor, None
        token, from_cookie = self.sign_in.token_of(connection)
        if token is None:
            raise not_signed_in()
        if not (from_cookie and token.is_due and connection.scope["type"] == "http"):
            return visitor_of(token), None
        carrier = Response()
        self.sign_in.put_cookie(connection, carrier, self.sign_in.tokens.sign(token.account, token))
        return visitor_of(token), carrier.headers["set-cookie"].encode("latin-1")

    def _again(self, connection: HTTPConnection, visitor: Visitor) -> Callable[[], Visitor | None]:
        """Who a WebSocket's visitor is by now: by the token that opened it, or by the account that got a ticket."""
        account = self.sign_in.accounts.get(visitor.name) if "ticket" in connection.query_params else None

        def again() -> Visitor | None:
            if account is not None:
                now = self.sign_in.accounts.get(account.name)
                return now.visitor if now is not None and now.version == account.version else None
            token, _ = self.sign_in.token_of(connection)
            return visitor_of(token) if token else None

        return again

    def _refusal(self, connection: HTTPConnection, error: UserError) -> Response:
        path, wanted = connection.url.path, connection.headers.get("accept", "")
        looks = connection.scope.get("method") == "GET" and "text/html" in wanted and not path.startswith(PREFIX)
        if looks and isinstance(error, Refused) and error.status == 401:
            return sign_in_page.response(connection)
        return answer(error)


class LoopbackWall:
    """Before a server without a sign-in: only this machine's own programs and pages come through.

    A page elsewhere may give its name this machine's address, and a proxy may carry the whole world here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            connection = HTTPConnection(scope, receive)
            try:
                require_same_site(connection)
                _require_this_machine(connection)
            except UserError as error:
                await refuse(answer(error), scope, receive, send)
                return
        await self.app(scope, receive, send)


class ReadOnlyCarrier:
    """Before gradio's routes in a standalone server: they give the page out, and take nothing.

    The page sends all to routes of ours. gradio's would take files of any size and number from whoever has signed in,
    keep them where no limit of theirs counts, and give them out to everybody.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        takes = scope["type"] == "websocket" or scope.get("method", "GET") not in READING
        if takes and not scope["path"].startswith(f"{PREFIX}/"):
            sentence = "Nothing is taken here: all that the page sends goes below {prefix}."
            await refuse(answer(Refused(Sentence("not_taken", sentence, prefix=PREFIX), 405)), scope, receive, send)
            return
        await self.app(scope, receive, send)


def _require_this_machine(connection: HTTPConnection) -> None:
    host = connection.headers.get("host", "")
    name = host[: host.find("]") + 1] if host.startswith("[") else host.partition(":")[0]
    if not is_this_machine(name) or any(header in connection.headers for header in FORWARDED):
        sentence = "Without a sign-in only this machine is answered. --behind-proxy lets others in by a proxy."
        raise Refused(Sentence("not_this_machine", sentence))


def _without_ticket(scope: Scope) -> Scope:
    """A ticket that has been redeemed here is none to those behind."""
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {**scope, "query_string": urlencode([one for one in query if one[0] != "ticket"]).encode("latin-1")}


async def refuse(
    response: Response, scope: Scope, receive: Receive, send: Send, more: Sequence[Header] = HEADERS
) -> None:
    """Answer in the place of what lies behind."""
    if scope["type"] == "websocket":  # before it was accepted, this is an answer with status 403
        await receive()
        await send({"type": "websocket.close", "code": 1008})
    else:
        await response(scope, receive, _with_headers(send, None, more))


def _with_headers(send: Send, cookie: bytes | None, more: Sequence[Header]) -> Callable[[Message], Awaitable[None]]:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: list[Any] = [*message.get("headers", ())]
            known = {name.lower() for name, _ in headers}
            headers += [one for one in more if one[0] not in known]
            if cookie is not None and b"set-cookie" not in known:
                headers.append((b"set-cookie", cookie))
            message = {**message, "headers": headers}
        await send(message)

    return sending
