"""No address takes more of the server than its share, also where a proxy's connections carry everybody's requests."""

from __future__ import annotations

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from ..accounts.patience import one_person
from ..api.errors import Refused, answer
from ..sentences import Sentence
from . import connections
from .walls import refuse


class FairShares:
    """Lets so many requests of one address through at a time, WebSockets among them; further ones are refused.

    Who asks is what a trusted proxy has told: `connections` sees the proxy alone, which may have any number.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        person = one_person((scope.get("client") or ("", 0))[0])
        if self._open[person] >= connections.OF_ONE_ADDRESS:
            sentence = "Too many requests come from your address at this moment: try again in a few seconds."
            refused = Refused(Sentence("requests_many", sentence), 429, {"Retry-After": "2"})
            await refuse(answer(refused), scope, receive, send)
            return
        self._open[person] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]
