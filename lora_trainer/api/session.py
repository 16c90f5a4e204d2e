"""Who one is here, and tickets for connections that cannot say so."""

from __future__ import annotations

from typing import Any

from .call import Call, Entry


def who(call: Call) -> dict[str, Any]:
    return visitor_json(call)


def ticket(call: Call) -> dict[str, Any]:
    """One that opens one WebSocket within half a minute: `?ticket=` in its address."""
    return {"ticket": call.desk.tickets.issue(call.visitor)}


def visitor_json(call: Call) -> dict[str, Any]:
    """The name is empty where nobody has to sign in."""
    return {"name": call.visitor.name, "role": call.visitor.role}


ROUTES = (Entry("GET", "/session", who), Entry("POST", "/tickets", ticket))
