"""People: who may sign in, what they use and may use. Everybody's for an admin, one's own for each."""

from __future__ import annotations

import dataclasses
from typing import Any

from .. import devices
from ..accounts import Account, Accounts
from ..errors import UserError
from ..files.disk import free_bytes
from ..jobs.desk import Desk
from ..jobs.limits import EVERYBODY
from ..jobs.states import ENDED
from ..sentences import Sentence
from ..visitor import plain_name
from ..wire import people as wire
from ..wire.common import Nothing
from .call import Call, Entry
from .errors import Refused

LIMITS = "/people/{name}/limits"
NEWEST = 100
"""How many rows of the log of what admins did are told."""


def own(call: Call) -> dict[str, Any]:
    """What the visitor has used of what they may use."""
    return _person(call.desk, call.visitor.name)


def overview(call: Call) -> dict[str, Any]:
    """Resources in use: the model's holder, the line, the disk, and each user with limits and use."""
    desk = call.desk
    holder = desk.jobs.turn.holder
    names = {job.record.owner for job in desk.jobs.list()} | set(desk.limiter.store.all())
    names |= {name for owners in desk.datasets.owners.all().values() for name in owners}
    names |= {account.name for account in _accounts(desk)}
    return {
        "device": devices.label(devices.choose()),
        "on_the_model": {"name": holder.name, "job": holder.job} if holder else None,
        "waiting": [job.id for job in desk.jobs.everybody_in_line()],
        "line": [
            {"id": job.id, "name": job.record.name, "owner": job.record.owner} for job in desk.jobs.everybody_in_line()
        ],
        "disk_free": free_bytes(desk.host.data_folder()),
        "everybody": dataclasses.asdict(desk.limiter.store.of(EVERYBODY)),
        "damaged": desk.limiter.store.damaged(),
        "accounts": desk.accounts is not None,
        "people": [_person(desk, name) for name in sorted(names - {"", EVERYBODY}, key=str.casefold)],
    }


def add(call: Call) -> dict[str, Any]:
    """A new account."""
    given = call.given(wire.NewAccount)
    made = _required(call.desk).add(given.name, given.password, given.role)
    _note(call, "add", made.name, role=made.role)
    return _person(call.desk, made.name)


def change(call: Call) -> dict[str, Any]:
    """Another password, another role, or switched off: whichever of them are given."""
    given, accounts = call.given(wire.AccountChange), _required(call.desk)
    account = _named(call)
    if given.password:
        accounts.set_password(account.name, given.password)
        _note(call, "password", account.name)
    if given.role and given.role != account.role:
        accounts.set_role(account.name, given.role)
        _note(call, "role", account.name, role=given.role)
    disabled = account.disabled if given.disabled is None else given.disabled
    if disabled != account.disabled:
        accounts.disable(account.name, disabled)
        _note(call, "disable" if disabled else "enable", account.name)
    return _person(call.desk, account.name)


def remove(call: Call) -> dict[str, Any]:
    """Remove an account. What was theirs stays, for admins to see."""
    account = _named(call)
    _required(call.desk).remove(account.name)
    _note(call, "remove", account.name)
    return {}


def set_own_password(call: Call) -> dict[str, Any]:
    """Another password for whoever asks. Wrong tries count as they do at the sign-in."""
    accounts, given, name = _required(call.desk), call.given(wire.NewPassword), call.visitor.name
    if (wait := accounts.patience.begin(name, f"password of {name}")) > 0:
        seconds = int(wait) + 1
        sentence = "There were too many wrong tries. Try again in {seconds} seconds."
        raise Refused(Sentence("sign_in_wait", sentence, seconds=seconds), 429, {"Retry-After": str(seconds)})
    if accounts.admitted(name, given.old) is None:
        raise UserError(Sentence("old_password", "The old password is another one."))
    accounts.patience.succeeded(name, f"password of {name}")
    accounts.set_password(name, given.new)
    _note(call, "own_password", name)
    return {}


def set_limits(call: Call) -> dict[str, Any]:
    """Some of the limits of one user, or of `*`: all who have none of their own."""
    name, changes = _spelled(call), call.json()
    call.desk.limiter.store.set(name, changes)
    _note(call, "limits", name, **changes)
    call.desk.meter.look_again()
    return _person(call.desk, name)


def drop_limits(call: Call) -> dict[str, Any]:
    """Take somebody's own limits away: what holds for all holds for them."""
    name = _spelled(call)
    call.desk.limiter.store.forget(name)
    _note(call, "usual_limits", name)
    call.desk.meter.look_again()
    return _person(call.desk, name)


def audit(call: Call) -> dict[str, Any]:
    """What admins did, the newest first."""
    return {"rows": call.desk.audit.newest(NEWEST)}


def _person(desk: Desk, name: str) -> dict[str, Any]:
    limiter, jobs = desk.limiter, desk.jobs.list()
    account = next((one for one in _accounts(desk) if one.name == name), None)
    return {
        "name": name,
        "role": account.role if account else None,
        "disabled": bool(account and account.disabled),
        "limits": dataclasses.asdict(limiter.store.of(name)),
        "own_limits": name in limiter.store.all(),
        "used": dataclasses.asdict(limiter.used(name)),
        "under_way": [job.id for job in jobs if job.record.owner == name and job.state not in ENDED],
    }


def _accounts(desk: Desk) -> list[Account]:
    return desk.accounts.all() if desk.accounts is not None else []


def _required(desk: Desk) -> Accounts:
    if desk.accounts is None:
        sentence = (
            "Nobody signs in here by an account of Train LoRA: a WebUI has its own, and a page for one needs none."
        )
        raise UserError(Sentence("accounts_elsewhere", sentence))
    return desk.accounts


def _named(call: Call) -> Account:
    """The account of the path. Raises NotFound."""
    return _required(call.desk).required(call.path["name"])


def _spelled(call: Call) -> str:
    """The name of the path as its account spells it, where there is one."""
    account = call.desk.accounts.get(call.path["name"]) if call.desk.accounts is not None else None
    return account.name if account else plain_name(call.path["name"])


def _note(call: Call, what: str, whom: str, **more: Any) -> None:
    call.desk.audit.note(call.visitor.name, what, whom, **more)


ROUTES = (
    Entry("GET", "/usage", own, slow=True, gives=wire.Person),
    Entry(
        "PUT", "/session/password", set_own_password, slow=True, takes=wire.NewPassword, gives=Nothing, errors=(429,)
    ),
    Entry("GET", "/people", overview, slow=True, admin=True, gives=wire.People),
    Entry("POST", "/people", add, slow=True, admin=True, takes=wire.NewAccount, gives=wire.Person),
    Entry("PUT", "/people/{name}", change, slow=True, admin=True, takes=wire.AccountChange, gives=wire.Person),
    Entry("DELETE", "/people/{name}", remove, slow=True, admin=True, gives=Nothing),
    Entry("PUT", LIMITS, set_limits, slow=True, admin=True, takes=wire.LimitsChange, gives=wire.Person),
    Entry("DELETE", LIMITS, drop_limits, slow=True, admin=True, gives=wire.Person),
    Entry("GET", "/audit", audit, admin=True, gives=wire.AuditLog),
)
