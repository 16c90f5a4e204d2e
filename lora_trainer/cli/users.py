"""`users`: who may sign in where others can reach the page, and how much they may use."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..visitor import ADMIN, ROLES, USER
from .named import DATA

if TYPE_CHECKING:
    from ..accounts import Accounts

ACTIONS = ("list", "add", "remove", "password", "role", "disable", "enable", "limits")
HELP = "list; add, remove, disable or enable NAME; password NAME; role NAME --role; limits NAME, or '*' for all others"
EPILOG = "Passwords are asked for on the terminal, or read as the first line of what is piped in; never an argument."
COMMAND_LINE = "the command line"
"""Who did something here, in the log of what admins did."""
LIMITS = {
    "jobs": (int, "runs that wait or are under way at once"),
    "disk": (float, "GB of data sets and runs"),
    "hours": (float, "hours of training in a month"),
    "runs": (int, "runs begun in a month"),
}


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("users", help="who may sign in to the page", description=__doc__, epilog=EPILOG)
    parser.add_argument("action", choices=ACTIONS, help=HELP)
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="which user")
    parser.add_argument(
        "--role", choices=ROLES, help=f"of the user (default of a new one: {USER}; the first is an {ADMIN})"
    )
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the folder that `serve` has as --data")
    for name, (kind, what) in LIMITS.items():
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=f"limit: {what} (0: none)")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Raises ConfigError for wrong use, UserError for names, roles and passwords that cannot be."""
    from ..accounts import Accounts, Audit
    from ..host.standalone import DATA_FOLDER

    if arguments.action != "list" and not arguments.name:
        raise ConfigError([f"`users {arguments.action}` needs the NAME of a user."])
    if arguments.action == "role" and not arguments.role:
        raise ConfigError(["`users role` needs --role."])
    folder = arguments.data / DATA_FOLDER
    accounts = Accounts(folder)
    lines = _limits(arguments, folder) if arguments.action == "limits" else _acted(arguments, accounts)
    if arguments.action != "list":
        Audit(folder).note(COMMAND_LINE, arguments.action, arguments.name)
    if not arguments.json:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return {"users": [{"name": one.name, "role": one.role} for one in accounts.all()]}


def _acted(arguments: argparse.Namespace, accounts: Accounts) -> list[str]:
    name = arguments.name
    if arguments.action == "add":
        made = accounts.add(name, _password(name), arguments.role or (USER if accounts.all() else ADMIN))
        return [f"{made.name} may sign in now, as {made.role}."]
    if arguments.action == "remove":
        accounts.remove(name)
        return [f"{name} may not sign in any more. Their runs and data sets stay, for admins."]
    if arguments.action == "password":
        accounts.set_password(name, _password(name))
        return [f"{name} has a new password, and is signed out everywhere."]
    if arguments.action == "role":
        accounts.set_role(name, arguments.role)
        return [f"{name} is {arguments.role} now."]
    if arguments.action in ("disable", "enable"):
        accounts.disable(name, arguments.action == "disable")
        return [f"{name} may {'not sign in' if arguments.action == 'disable' else 'sign in again'}."]
    lines = [f"{one.name:<40} {one.role}{', disabled' * one.disabled}" for one in accounts.all()]
    return lines or ["Nobody may sign in yet."]


def _limits(arguments: argparse.Namespace, folder: Path) -> list[str]:
    from ..jobs.limits import LimitStore

    store = LimitStore(folder)
    changes = {name: getattr(arguments, name) for name in LIMITS if getattr(arguments, name) is not None}
    limits = store.set(arguments.name, changes) if changes else store.of(arguments.name)
    return [f"{name:<6} {value:g}" for name, value in dataclasses.asdict(limits).items()]


def _password(name: str) -> str:
    """Asked for twice where somebody types. Raises ConfigError when the two differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"Password of {name}: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigError(["The two passwords differ: try again."])
    return password
