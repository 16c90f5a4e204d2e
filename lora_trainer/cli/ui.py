"""`ui`: the page in a browser, without a WebUI, for whoever sits at this machine."""

from __future__ import annotations

import argparse
from typing import Any

from .serving import add_options, start


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("ui", help="train and try LoRAs in a browser", description=__doc__)
    add_options(parser, address="127.0.0.1", port="the next free one is taken when it is in use")
    parser.add_argument("--listen", action="store_true", help="the same as --host 0.0.0.0")
    parser.add_argument("--sign-in", action="store_true", help="ask for it on this machine too")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="what the end of the program interrupted goes on by itself (the page has a switch for that too)",
    )
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Serve until the program is told to end; people sign in unless this machine alone can come. Raises UserError."""
    from ..host.base import is_this_machine

    address = "0.0.0.0" if arguments.listen else arguments.host
    signs_in = arguments.sign_in or bool(arguments.behind_proxy) or not is_this_machine(address)
    return start(arguments, address, signs_in=signs_in, any_port=True, apart=False, goes_on=arguments.go_on)
