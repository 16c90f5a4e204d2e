"""An account, and what may be one's name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import UserError
from ..sentences import Sentence
from ..visitor import ROLES, USER, Visitor, plain_name

_NAME = re.compile(r"[^\W_][\w.@-]{0,39}")


@dataclass(frozen=True)
class Account:
    """`password` is what is kept of it. A token is good for the `version` that it was given for, and no other."""

    name: str
    role: str = USER
    version: int = 1
    password: dict[str, Any] = field(default_factory=dict, repr=False)
    disabled: bool = False
    """Nobody may sign in by it until an admin says so; what is theirs stays."""

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.name, self.role)


def checked_name(name: str) -> str:
    """The name in its one spelling. Raises UserError for what could be no name, or means something in a header."""
    plain = plain_name(name)
    if not _NAME.fullmatch(plain):
        sentence = "'{name}' cannot be a user's name: use 1 to 40 letters, digits, dots, hyphens and '@'."
        raise UserError(Sentence("user_name", sentence, name="".join(filter(str.isprintable, name[:60]))))
    return plain


def checked_role(role: str) -> str:
    """Raises UserError for what is no role."""
    if role not in ROLES:
        raise UserError(
            Sentence("user_role", "'{role}' is no role: there are {known}.", role=role, known=", ".join(ROLES))
        )
    return role
