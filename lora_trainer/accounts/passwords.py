"""Passwords as what is kept of them: scrypt, with the salt and parameters that each was hashed with."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from ..errors import UserError
from ..sentences import Sentence

LEAST, MOST = 10, 1000
"""Letters of a password: fewer are guessed, and nobody types more."""


@dataclass(frozen=True)
class Cost:
    """scrypt's parameters. A hash takes a tenth of a second and 32 MB, so that guessing is dear."""

    n: int = 2**15
    r: int = 8
    p: int = 3


USUAL = Cost()


def hashed(password: str, cost: Cost = USUAL) -> dict[str, Any]:
    """What is kept of a password. Raises UserError for one that is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        sentence = "A password must have {least} to {most} letters."
        raise UserError(Sentence("password_length", sentence, least=LEAST, most=MOST))
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, cost)
    return {"salt": _text(salt), "hash": _text(digest), "n": cost.n, "r": cost.r, "p": cost.p}


def is_right(password: str, kept: dict[str, Any]) -> bool:
    """Whether it is the password that `kept` was made of; compared in constant time."""
    cost = Cost(int(kept["n"]), int(kept["r"]), int(kept["p"]))
    digest = _scrypt(password[:MOST], base64.b64decode(kept["salt"]), cost)
    return hmac.compare_digest(digest, base64.b64decode(kept["hash"]))


def no_password(cost: Cost = USUAL) -> dict[str, Any]:
    """What no password is right for, yet takes as long to compare: for accounts that there are not."""
    return {"salt": _text(b"\0" * 16), "hash": _text(b""), "n": cost.n, "r": cost.r, "p": cost.p}


def _scrypt(password: str, salt: bytes, cost: Cost) -> bytes:
    memory = 128 * cost.n * cost.r + 2**20 * (1 + cost.p)
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=memory, dklen=32
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
