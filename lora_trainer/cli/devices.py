"""`--devices`: where the runs of a server may be."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from .. import devices, own_process
from ..errors import ConfigError, UserError
from ..host.base import Host
from ..sentences import Sentence


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--devices",
        default="",
        metavar="NAMES",
        help="where runs may be, one at a time on each: cuda:0,cuda:1 (default: every card; cpu,cpu for two at once)",
    )


def first(arguments: argparse.Namespace) -> dict[str, Any]:
    """Option values that put the server's own model on the first one that is named. Raises UserError.

    Call it before torch is imported: several runs on the CPU share its cores.
    """
    named = _named(arguments)
    own_process.share_cores(sum(name == "cpu" for name in named))
    for name in named:
        try:
            devices.full_name(name)
        except ConfigError as error:
            sentence = "--devices names '{name}', which cannot be used here."
            raise UserError(Sentence("device_missing", sentence, name=name)) from error
    return {"memory": {"device": named[0]}} if named else {}


def further(arguments: argparse.Namespace, host: Host) -> Callable[[], Sequence[str]]:
    """Those that are named behind the first, or all that there are besides the host's own."""

    def those() -> Sequence[str]:
        from ..jobs.places import own_device

        if named := _named(arguments):
            return named[1:]
        own = own_device(host)
        return [name for name in devices.every() if name != own]

    return those


def _named(arguments: argparse.Namespace) -> list[str]:
    return [name.strip() for name in arguments.devices.split(",") if name.strip()]
