"""`notify`: who is told when a run ends, fails or needs somebody: list, add, test and remove channels."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..advice.errors import explain
from ..errors import ConfigError
from ..notices import CHANNELS, OCCASIONS
from ..notices.notice import FAILED, FINISHED, STOPPED, USUAL
from .named import DATA

if TYPE_CHECKING:
    from ..notices import Notices
    from ..notices.settings import Channel

PATIENCE = 60.0
"""Seconds that `train --notify` waits at its end for notices to come through."""
FIELDS = {field.name: field for kind in CHANNELS for field in kind.fields if not field.secret}
"""The values that a command line may show."""


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    """The command, whose actions are parsers of their own."""
    parser = subparsers.add_parser("notify", help="be told when a run ends or needs you", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    every = actions.add_parser("list", help="all channels, and how their newest notices went")
    new = actions.add_parser("add", help="set up a channel; its secrets are asked for, or read from --secrets")
    new.add_argument("kind", metavar="KIND", help=", ".join(CHANNELS.names()))
    new.add_argument("--name", default="", help="what you call it")
    new.add_argument("--when", action="append", metavar="OCCASION", help=f"{', '.join(OCCASIONS)} (repeatable)")
    for name, field in FIELDS.items():
        new.add_argument(f"--{name}", default="", choices=field.choices or None, help="of e-mail")
    new.add_argument(
        "--secrets", metavar="FILE", help="lines of name=value ('-': standard input); a command line would show them"
    )
    trial = actions.add_parser("test", help="send a test notice")
    gone = actions.add_parser("remove", help="forget a channel with its secrets")
    for action in (trial, gone):
        action.add_argument("channel", metavar="NAME", help="its name or id")
    for action, run in {every: _list, new: _add, trial: _test, gone: _remove}.items():
        add_data(action, "--data")
        action.set_defaults(run=run)
    return [every, new, trial, gone]


def add_data(parser: argparse.ArgumentParser, flag: str) -> None:
    """Whose channels are meant."""
    parser.add_argument(
        flag, dest="notices", type=Path, default=DATA, metavar="DIR", help="that of `ui`, or a WebUI's folder"
    )


def notices_of(folder: Path) -> Notices:
    """The channels that a page with that data folder has."""
    from ..host.standalone import DATA_FOLDER
    from ..notices import FOLDER, Notices

    return Notices(folder / DATA_FOLDER / FOLDER)


@contextmanager
def told(arguments: argparse.Namespace, name: str) -> Iterator[dict[str, Any]]:
    """A dictionary for how a run ends; when the block does, `train --notify` tells of it, also of what is raised."""
    result: dict[str, Any] = {}
    try:
        yield result
    except Exception as error:
        _tell(arguments, name, {"error": explain(error)})
        raise
    _tell(arguments, name, result)


def _tell(arguments: argparse.Namespace, name: str, result: dict[str, Any]) -> None:
    """Tell of a run's end, and wait until that is through."""
    from ..notices.texts import of_run

    if not arguments.notify:
        return
    notices = notices_of(arguments.notices)
    notices.tell(
        of_run(
            STOPPED if result.get("stopped") else FINISHED if result.get("ok") else FAILED,
            name,
            step=result.get("step", 0),
            total=result.get("total_steps", 0),
            seconds=result.get("seconds"),
            loss=result.get("loss"),
            best_step=result.get("best_step", 0),
            message=str(result.get("error", "")),
        )
    )
    if not notices.wait(PATIENCE):
        print("Not every notice came through; `notify list` tells more.", file=sys.stderr)
    notices.close(0)


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    settings = notices_of(arguments.notices).settings
    outcomes, channels = settings.outcomes(), settings.list()
    if not arguments.json:
        for one in channels:
            print(f"{one.id}  {one.name} ({one.kind}): {_place(one)}; {', '.join(one.when) or 'nothing'}")
            if (outcome := outcomes.get(one.id)) is not None:
                print(f"    {_told(outcome)}")
        if not channels:
            print("There is no channel yet: `notify add` sets one up.")
    return {"channels": [{**one.to_json(), "outcome": outcomes.get(one.id)} for one in channels]}


def _add(arguments: argparse.Namespace) -> dict[str, Any]:
    """Whoever types this sits at the machine, so its own network may be asked. Raises ConfigError."""
    if arguments.kind not in CHANNELS:
        raise ConfigError(
            [f"There is no kind of channel '{arguments.kind}'. Known are: {', '.join(CHANNELS.names())}."]
        )
    values = {name: getattr(arguments, name) for name in FIELDS if getattr(arguments, name)}
    values |= _secrets(arguments)
    settings = notices_of(arguments.notices).settings
    channel = settings.add(arguments.kind, arguments.name, values, arguments.when or USUAL, inner=True)
    if not arguments.json:
        print(f"'{channel.name}' is set up. `notify test \"{channel.name}\"` tries it.")
    return {"channel": channel.to_json()}


def _test(arguments: argparse.Namespace) -> dict[str, Any]:
    notices = notices_of(arguments.notices)
    outcome = notices.test(_find(notices, arguments.channel).id)
    if not outcome["ok"]:
        return {"ok": False, "error": _told(outcome), "outcome": outcome}
    if not arguments.json:
        print("The test notice is sent.")
    return {"outcome": outcome}


def _remove(arguments: argparse.Namespace) -> dict[str, Any]:
    notices = notices_of(arguments.notices)
    channel = _find(notices, arguments.channel)
    notices.settings.remove(channel.id)
    if not arguments.json:
        print(f"'{channel.name}' is removed.")
    return {"channel": channel.to_json()}


def _find(notices: Notices, named: str) -> Channel:
    """Raises ConfigError for a name that no channel has, or several."""
    found = [one for one in notices.settings.list() if named in (one.id, one.name)]
    if len(found) != 1:
        many = "Several channels are" if found else "No channel is"
        raise ConfigError([f"{many} called '{named}': `notify list` shows them with their ids."])
    return found[0]


def _secrets(arguments: argparse.Namespace) -> dict[str, str]:
    """What is never shown: from --secrets, else asked for where somebody can answer."""
    names = [field.name for field in CHANNELS.get(arguments.kind).fields if field.secret]
    if arguments.secrets:
        text = sys.stdin.read() if arguments.secrets == "-" else Path(arguments.secrets).read_text(encoding="utf-8")
        pairs = (line.partition("=") for line in text.splitlines() if line.strip())
        return {name.strip(): value.strip() for name, _, value in pairs}
    if not sys.stdin.isatty():
        raise ConfigError([f"Nobody can be asked for {', '.join(names)}: give --secrets FILE."])
    return {name: getpass.getpass(f"{name}: ") for name in names}


def _place(channel: Channel) -> str:
    return CHANNELS.get(channel.kind).place(channel.values)


def _told(outcome: dict[str, Any]) -> str:
    message = outcome.get("message") or {}
    return (
        "The newest notice came through." if outcome.get("ok") else str(message.get("text", "It did not get through."))
    )
