"""A server elsewhere that commands drive in the place of this machine."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..client import Client

SERVER, USER, PASSWORD = "LORA_TRAINER_SERVER", "LORA_TRAINER_USER", "LORA_TRAINER_PASSWORD"
HERE = "local"


def add_server(parser: argparse.ArgumentParser) -> None:
    """How a server is named, and who one is there. A password is never a word of the command."""
    group = parser.add_argument_group(
        "a server elsewhere", f"Its password is that of {PASSWORD}, or is asked for on the terminal."
    )
    group.add_argument(
        "--server", metavar="URL", help=f"address of a server; default: {SERVER}; '{HERE}': this machine"
    )
    group.add_argument("--user", metavar="NAME", help=f"name to sign in with; default: {USER}")
    group.add_argument("--token-file", metavar="FILE", type=Path, help="a file that holds a token in place of a name")


def address_of(arguments: argparse.Namespace) -> str:
    """The server that is meant; empty for this machine."""
    named = arguments.server if arguments.server is not None else os.environ.get(SERVER, "")
    return "" if named == HERE else str(named)


def connect(arguments: argparse.Namespace) -> Client:
    """A client of the server that is meant. Raises ConfigError where none is named, or nobody can be asked."""
    from ..client import Client

    address = address_of(arguments)
    if not address:
        raise ConfigError([f"Name a server: --server URL, or {SERVER} in the environment."])
    if arguments.token_file:
        return Client(address, token=_token(arguments.token_file))
    name = arguments.user if arguments.user is not None else os.environ.get(USER, "")
    return Client(address, name, _password(name, address)) if name else Client(address)


def _token(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"The token in '{file}' cannot be read: {error}."]) from error


def _password(name: str, address: str) -> str:
    if given := os.environ.get(PASSWORD):
        return given
    if not sys.stdin.isatty():
        raise ConfigError([f"There is nobody to ask for the password of {name}: put it into {PASSWORD}."])
    return getpass.getpass(f"Password of {name} at {address}: ")
