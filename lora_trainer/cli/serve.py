"""`serve`: the page and the API for several people, who sign in, on a machine that nobody sits at."""

from __future__ import annotations

import argparse
from typing import Any

from .serving import add_options, start

EVERYWHERE, HERE = "0.0.0.0", "127.0.0.1"


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser(
        "serve",
        help="the page and the API for several people",
        description=__doc__,
        epilog="Make the first account by `users add NAME`. docs/serving.md tells of HTTPS, proxies and services.",
    )
    add_options(parser, address="", port="the program ends when it is in use")
    parser.add_argument(
        "--wait", action="store_true", help="what the end of the program interrupted waits until somebody lets it go on"
    )
    parser.add_argument(
        "--in-place",
        action="store_true",
        help="runs are in the server's own process: less memory, but visitors and runs slow each other down",
    )
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Serve until the program is told to end. Raises UserError, also where nobody has an account."""
    from ..host.base import is_this_machine
    from ..ui.proxies import Proxies

    proxies = Proxies(arguments.behind_proxy).networks
    behind = bool(proxies) and all(is_this_machine(str(proxy.network_address)) for proxy in proxies)
    address = arguments.host or (HERE if behind else EVERYWHERE)
    if not (arguments.certificate or proxies or is_this_machine(address)):
        print("Passwords go over the network as they are: see --certificate and --behind-proxy.", flush=True)
    apart, goes_on = not arguments.in_place, not arguments.wait
    return start(arguments, address, signs_in=True, any_port=False, apart=apart, goes_on=goes_on)
