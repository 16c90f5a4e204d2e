"""Who one is here, and tickets for connections that cannot say so."""

from __future__ import annotations

from typing import Any

from ..sentences import Sentence
from ..wire import house as wire
from ..wire.common import Nothing
from .call import Call, Entry
from .errors import Refused


def who(call: Call) -> dict[str, Any]:
    """Who one is here."""
    return visitor_json(call)


def ticket(call: Call) -> dict[str, Any]:
    """One that opens one WebSocket within half a minute: `?ticket=` in its address."""
    return {"ticket": call.desk.tickets.issue(call.visitor)}


def visitor_json(call: Call) -> dict[str, Any]:
    """The name is empty where nobody has to sign in."""
    return {"name": call.visitor.name, "role": call.visitor.role}


def sign_in(call: Call) -> dict[str, Any]:
    """Sign in to a standalone server: a name and a password become a token.

    Elsewhere there is nothing to sign in to: a WebUI takes names and passwords by HTTP Basic authentication.
    """
    raise no_sign_in()


def go_on(call: Call) -> dict[str, Any]:
    """A program's next token, for one that is still good."""
    raise no_sign_in()


def sign_out(call: Call) -> dict[str, Any]:
    """Neither the token nor any other of this session is good any more."""
    raise no_sign_in()


def no_sign_in() -> Refused:
    """What a server says that has no wall with a sign-in before these routes."""
    return Refused(Sentence("no_sign_in", "This server has no sign-in of its own."), 404)


ROUTES = (
    Entry("GET", "/session", who, gives=wire.Visitor),
    Entry("POST", "/session", sign_in, takes=wire.SignIn, gives=wire.SignedIn, errors=(404, 429)),
    Entry("PUT", "/session", go_on, gives=wire.SignedIn, errors=(404,)),
    Entry("DELETE", "/session", sign_out, gives=Nothing, errors=(404,)),
    Entry("POST", "/tickets", ticket, gives=wire.Ticket),
)
