"""All accounts of a data folder, in a file that nobody else on the machine can read."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..errors import NotFound, UserError
from ..files.atomic import write_text
from ..files.lock import Held, locked
from ..sentences import Sentence
from ..visitor import ADMIN, USER, plain_name
from . import passwords
from .account import Account, checked_name, checked_role
from .patience import Patience

FILE = "accounts.json"
PATIENCE = 10.0
"""Seconds to wait for another program that changes the accounts."""


class Accounts:
    """Reads and changes the accounts in `folder`. What another program changes is seen at the next look."""

    def __init__(self, folder: Path, cost: passwords.Cost = passwords.USUAL) -> None:
        self.file, self._cost = folder / FILE, cost
        self._lock = threading.RLock()
        self._hashing = threading.BoundedSemaphore(2)
        self.patience = Patience()
        self._seen: tuple[tuple[int, int], dict[str, Any]] | None = None

    def all(self) -> list[Account]:
        return [Account(**one) for one in self._values()["accounts"]]

    def get(self, name: str) -> Account | None:
        """The account of that name, in whatever capitals; None when there is none."""
        wanted = plain_name(name).casefold()
        return next((one for one in self.all() if one.name.casefold() == wanted), None)

    def key(self) -> bytes:
        """The secret that tokens are signed with; made when it is first asked for."""
        values = self._values()
        if not values["key"]:
            with self._changing() as values:
                values["key"] = values["key"] or base64.b64encode(secrets.token_bytes(32)).decode()
        return base64.b64decode(values["key"])

    def admitted(self, name: str, password: str) -> Account | None:
        """The account, when that is its password. An unknown name takes as long as a wrong password."""
        account = self.get(name)
        with self._hashing:  # each takes a core and 32 MB: a crowd of guesses must not take the machine
            right = passwords.is_right(password, account.password if account else passwords.no_password(self._cost))
        return account if right and account and not account.disabled else None

    def add(self, name: str, password: str, role: str = USER) -> Account:
        """Raises UserError for a name that is taken or cannot be one, a wrong role or password."""
        account = Account(checked_name(name), checked_role(role), _new_version(), self._hashed(password))
        with self._changing() as values:
            if self._place(values, name) is not None:
                raise UserError(Sentence("user_there", "There is a user '{name}' already.", name=account.name))
            values["accounts"].append(asdict(account))
        return account

    def remove(self, name: str) -> None:
        """Raises NotFound, and UserError for the last admin. What was theirs stays, for admins to see."""
        with self._changing() as values:
            del values["accounts"][self._required(values, name)]
            _require_admin(values)

    def set_password(self, name: str, password: str) -> None:
        """Whoever was signed in with the old one is no longer. Raises NotFound, UserError."""
        self._change(name, password=self._hashed(password), version=_new_version())

    def set_role(self, name: str, role: str) -> None:
        """Raises NotFound, and UserError when no admin would be left."""
        self._change(name, role=checked_role(role))

    def disable(self, name: str, disabled: bool = True) -> None:
        """Whoever is signed in is no longer. Raises NotFound, and UserError when no admin would be left."""
        self._change(name, disabled=disabled, version=_new_version())

    def required(self, name: str) -> Account:
        """As `get`. Raises NotFound when there is none."""
        account = self.get(name)
        if account is None:
            raise _no_user(name)
        return account

    def _change(self, name: str, **changes: Any) -> None:
        with self._changing() as values:
            place = self._required(values, name)
            values["accounts"][place] = asdict(replace(Account(**values["accounts"][place]), **changes))
            _require_admin(values)

    def _hashed(self, password: str) -> dict[str, Any]:
        with self._hashing:
            return passwords.hashed(password, self._cost)

    def _place(self, values: dict[str, Any], name: str) -> int | None:
        wanted = plain_name(name).casefold()
        known = [one["name"].casefold() for one in values["accounts"]]
        return known.index(wanted) if wanted in known else None

    def _required(self, values: dict[str, Any], name: str) -> int:
        place = self._place(values, name)
        if place is None:
            raise _no_user(name)
        return place

    def _values(self) -> dict[str, Any]:
        """What the file holds, read again when it has changed. A damaged one lets nobody in. Raises UserError."""
        with self._lock:
            try:
                status = self.file.stat()
                stamp = (status.st_mtime_ns, status.st_ino)
                if self._seen is None or self._seen[0] != stamp:
                    self._seen = stamp, json.loads(self.file.read_text(encoding="utf-8"))
                return self._seen[1]
            except FileNotFoundError:
                return {"key": "", "accounts": []}
            except (OSError, ValueError) as error:
                sentence = "The accounts in '{path}' cannot be read ({reason}): nobody can sign in."
                raise UserError(
                    Sentence("accounts_damaged", sentence, path=str(self.file), reason=str(error))
                ) from error

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The values to change, alone among all programs; they are on the disk afterwards, or nothing has changed."""
        with self._lock:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.file.with_suffix(".lock")):
                self._seen = None
                values = json.loads(json.dumps(self._values()))
                yield values
                write_text(self.file, json.dumps(values, ensure_ascii=False, indent=1), private=True)
                self._seen = None


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    end = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(locked(path))
                break
            except Held:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield


def _no_user(name: str) -> NotFound:
    return NotFound(Sentence("no_user", "There is no user '{name}'.", name=name))


def _new_version() -> int:
    """Never one that the name had before, not even as another account that was removed."""
    return time.time_ns()


def _require_admin(values: dict[str, Any]) -> None:
    if not any(one["role"] == ADMIN and not one.get("disabled") for one in values["accounts"]):
        raise UserError(Sentence("last_admin", "This is the last admin: make another user one first."))
