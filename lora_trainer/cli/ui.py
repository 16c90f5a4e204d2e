"""`ui`: the page in a browser, without a WebUI."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import options
from ..errors import UserError
from ..sentences import Sentence
from . import devices
from .named import DATA, require


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("ui", help="train and try LoRAs in a browser", description=__doc__)
    parser.add_argument("--base", default="pocket", metavar="FILE", help="checkpoint, diffusers folder, or 'pocket'")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="data sets, runs and LoRAs")
    parser.add_argument("--loras", type=Path, metavar="DIR", help="LoRA folder (default: 'loras' in --data)")
    parser.add_argument("--port", type=int, default=7870, help="the next free one is taken when it is in use")
    parser.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="0.0.0.0 lets others in, who sign in (see `users`)"
    )
    parser.add_argument("--listen", action="store_true", help="the same as --host 0.0.0.0")
    parser.add_argument(
        "--sign-in", action="store_true", help="ask for it on this machine too: for a proxy that lets others in"
    )
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="what the end of the program interrupted goes on by itself (the page has a switch for that too)",
    )
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
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Serve until the program is interrupted. Raises UserError where others could come in and nobody has an account.

    No account is made here: its password would have to be shown, and what a server prints often ends in a log.
    """
    from ..accounts import Accounts
    from ..datasets import DataSets, roots_of
    from ..host.base import is_this_machine
    from ..host.standalone import StandaloneHost
    from ..jobs.desk import Desk
    from ..ui.server import serve

    values = options.merged(options.parse_changes(arguments.set), {"base": {"checkpoint": arguments.base}})
    config = options.build(options.merged(values, devices.first(arguments)))
    require(arguments.base, config.base.vae)
    folder: Path = arguments.data
    host = StandaloneHost(config.base, config.memory, arguments.loras or folder / "loras", folder / ".train-lora")
    host.describe()
    address = "0.0.0.0" if arguments.listen else arguments.host
    listens = arguments.sign_in or not is_this_machine(address)
    accounts = Accounts(host.data_folder()) if listens else None
    if accounts is not None and not accounts.all():
        sentence = "Others could reach this page, and nobody has an account yet. Make one first: {command}."
        command = f"python -m lora_trainer users add NAME --role admin --data {folder}"
        raise UserError(Sentence("no_accounts", sentence, command=command))
    roots = roots_of(host, arguments.folders, listens=listens)
    desk = Desk(
        host,
        DataSets(host.data_folder() / "datasets", roots),
        elsewhere=devices.further(arguments, host),
        goes_on=arguments.go_on,
    )
    serve(desk, address=address, port=arguments.port, accounts=accounts)
    return {}
