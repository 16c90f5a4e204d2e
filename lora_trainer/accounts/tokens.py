"""Signed tokens that say who somebody is, for a short while."""

from __future__ import annotations

import hashlib
import importlib.util
import secrets
import threading
import time
from dataclasses import dataclass

from ..errors import UserError
from ..sentences import Sentence
from .account import Account
from .store import Accounts

ALGORITHM = "HS256"
GOOD_FOR = 30 * 60
"""Seconds; whoever goes on using one is given the next."""
RENEWED_AFTER = 5 * 60
LONGEST = 7 * 24 * 3600
"""Seconds after which a password is asked for again, however busy somebody was."""
CLAIMS = ("sub", "ver", "sid", "since", "iat", "exp")


@dataclass(frozen=True)
class Token:
    """A token that was found good: whose it is, and which sign-in it stems from, at which second."""

    account: Account
    session: str
    since: int
    issued: int

    @property
    def is_due(self) -> bool:
        """Whether it is time for the next one."""
        return time.time() - self.issued >= RENEWED_AFTER


class Tokens:
    """Signs and reads tokens for the accounts of a server. Raises UserError where the package for it is missing."""

    def __init__(self, accounts: Accounts) -> None:
        if importlib.util.find_spec("jwt") is None:
            sentence = "To sign people in, the package PyJWT is needed. Install it: pip install PyJWT."
            raise UserError(Sentence("no_jwt", sentence))
        self._accounts = accounts
        self._ended: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def cookie(self) -> str:
        """The cookie's name: browsers keep cookies of all ports of a machine in one place."""
        return f"train-lora-{hashlib.sha256(self._accounts.key()).hexdigest()[:8]}"

    def sign(self, account: Account, before: Token | None = None) -> str:
        """A new one, for a new session or to go on with that of `before`."""
        import jwt

        now = int(time.time())
        since = before.since if before else now
        claims = {
            "sub": account.name,
            "ver": account.version,
            "sid": before.session if before else secrets.token_urlsafe(12),
            "since": since,
            "iat": now,
            "exp": min(now + GOOD_FOR, since + LONGEST),
        }
        return jwt.encode(claims, self._accounts.key(), ALGORITHM)

    def read(self, text: str) -> Token | None:
        """What a token says, if it was signed here, is in time, and its account is as it was then."""
        import jwt

        try:
            claims = jwt.decode(text, self._accounts.key(), [ALGORITHM], options={"require": [*CLAIMS]})
            session, since, issued = str(claims["sid"]), int(claims["since"]), int(claims["iat"])
        except (jwt.InvalidTokenError, ValueError, TypeError):
            return None
        account = self._accounts.get(str(claims["sub"]))
        if account is None or account.disabled or account.version != claims["ver"] or session in self._ended:
            return None
        return Token(account, session, since, issued)

    def end(self, token: Token) -> None:
        """Sign out: no token of that session is good any more."""
        now = time.monotonic()
        with self._lock:
            self._ended = {one: ended for one, ended in self._ended.items() if now - ended <= GOOD_FOR}
            self._ended[token.session] = now
