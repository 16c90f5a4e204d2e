"""What `ui` and `serve` share: one server, with other things taken for granted."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError, UserError
from ..sentences import Sentence
from . import devices
from .named import DATA, require

if TYPE_CHECKING:
    from ..ui.certificates import Certificate
    from ..ui.server import Place


def add_options(parser: argparse.ArgumentParser, *, address: str, port: str) -> None:
    """Options of both; `address` is where it listens unless told otherwise, `port` explains that option."""
    parser.add_argument("--base", default="pocket", metavar="FILE", help="checkpoint, diffusers folder, or 'pocket'")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="data sets, runs and LoRAs")
    parser.add_argument("--loras", type=Path, metavar="DIR", help="LoRA folder (default: 'loras' in --data)")
    parser.add_argument("--port", type=int, default=7870, help=port)
    parser.add_argument(
        "--host", default=address, metavar="ADDRESS", help="0.0.0.0 lets others in, who sign in (see `users`)"
    )
    parser.add_argument("--certificate", type=Path, metavar="FILE", help="serve HTTPS with this certificate (PEM)")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key, where that has a file of its own")
    parser.add_argument(
        "--key-password-from", default="", metavar="VARIABLE", help="environment variable that holds the key's password"
    )
    parser.add_argument(
        "--behind-proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a proxy (or network) whose X-Forwarded-For, -Proto and -Host are believed; may be given several times",
    )
    parser.add_argument("--root-path", default="", metavar="PATH", help="what a proxy puts before all paths: /trainer")
    parser.add_argument(
        "--lora-trainer-folder",
        dest="folders",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a folder that may be used from the page although others can reach it; may be given several times",
    )
    devices.add(parser)
    parser.add_argument("--set", action="append", default=[], metavar="option.path=value", help="base.*, memory.*")


def start(
    arguments: argparse.Namespace, address: str, *, signs_in: bool, any_port: bool, apart: bool, goes_on: bool
) -> dict[str, Any]:
    """Serve until the program is told to end; runs have processes of their own with `apart`.

    Raises UserError where others could come in and nobody has an account.

    No account is made here: its password would have to be shown, and what a server prints often ends in a log.
    """
    from ..accounts import Accounts
    from ..datasets import DataSets, roots_of
    from ..host.standalone import StandaloneHost
    from ..jobs.desk import Desk
    from ..ui.server import serve

    place = place_of(arguments, address, any_port=any_port)
    if place.root_path and not signs_in:
        raise ConfigError(["--root-path is what a proxy puts before all paths: name that with --behind-proxy."])
    values = options.merged(options.parse_changes(arguments.set), {"base": {"checkpoint": arguments.base}})
    config = options.build(options.merged(values, devices.first(arguments)))
    require(arguments.base, config.base.vae)
    folder: Path = arguments.data
    host = StandaloneHost(config.base, config.memory, arguments.loras or folder / "loras", folder / ".train-lora")
    host.describe()
    accounts = Accounts(host.data_folder()) if signs_in else None
    if accounts is not None and not accounts.all():
        sentence = "Others could reach this page, and nobody has an account yet. Make one first: {command}."
        command = f"python -m lora_trainer users add NAME --role admin --data {folder}"
        raise UserError(Sentence("no_accounts", sentence, command=command))
    roots = roots_of(host, arguments.folders, listens=signs_in)
    sets, elsewhere = DataSets(host.data_folder() / "datasets", roots), devices.further(arguments, host)
    desk = Desk(host, sets, elsewhere=elsewhere, apart=apart, goes_on=goes_on)
    serve(desk, place, accounts)
    return {}


def place_of(arguments: argparse.Namespace, address: str, *, any_port: bool) -> Place:
    """Where and how it is served. Raises ConfigError for what cannot be, UserError for a certificate of no use."""
    from ..ui.proxies import Proxies, checked_root_path
    from ..ui.server import Place

    Proxies(arguments.behind_proxy)
    root_path = checked_root_path(arguments.root_path)
    certificate = _certificate(arguments)
    return Place(address, arguments.port, any_port, certificate, tuple(arguments.behind_proxy), root_path)


def _certificate(arguments: argparse.Namespace) -> Certificate | None:
    from ..ui.certificates import SOON, Certificate

    if arguments.certificate is None:
        if arguments.key or arguments.key_password_from:
            raise ConfigError(["--key needs --certificate."])
        return None
    variable = arguments.key_password_from
    if variable and variable not in os.environ:
        raise ConfigError([f"There is no variable '{variable}' in the environment."])
    made = Certificate(arguments.certificate, arguments.key, os.environ.get(variable, "") if variable else "")
    left = made.check()
    if left < SOON:
        print(f"The certificate in '{made.file}' expires in {int(left // 86400)} days.", flush=True)
    return made
