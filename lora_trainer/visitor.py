"""Who asks: the name and role that a server's guard gives every request."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

USER, ADMIN = "user", "admin"
ROLES = (USER, ADMIN)


@dataclass(frozen=True)
class Visitor:
    """Somebody who was let in. Without a name it is whoever sits at the machine: everybody is the same then.

    A user sees and steers what is their own; an admin sees everything, with its owner's name. What nobody owns, as
    all that was made without a sign-in, is the admins'.
    """

    name: str = ""
    role: str = ADMIN

    @property
    def sees_all(self) -> bool:
        return self.role == ADMIN

    def may_see(self, *owners: str) -> bool:
        """Whether what belongs to `owners` is there for this visitor."""
        return self.sees_all or (bool(self.name) and self.name in owners)


NOBODY_IN_PARTICULAR = Visitor()


def plain_name(name: str) -> str:
    """A name in one spelling, so that the same letters are the same user."""
    return unicodedata.normalize("NFC", name.strip())
