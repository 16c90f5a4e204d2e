"""`jobs`: the runs on a server, listed, watched, steered, and their files fetched."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError
from ..sentences import from_json
from .following import follow
from .named import DATA, require
from .remote import fetched
from .server import add_server, address_of, connect

if TYPE_CHECKING:
    from ..client import Client
    from ..wire.jobs import Job

Action = Callable[["Client", "Job", argparse.Namespace], Any]


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    """The command, whose actions are parsers of their own."""
    parser = subparsers.add_parser("jobs", help="list, watch, steer runs on a server", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    every = actions.add_parser("list", help="all of them, the newest first")
    every.set_defaults(run=_list)
    every.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="without a server: that of `ui`")
    made = [every, *(_action(actions, name, text, run) for name, (text, run) in ACTIONS.items())]
    of = actions.choices
    of["clone"].add_argument("--set", metavar="option.path=value", action="append", default=[], help="what differs")
    of["priority"].add_argument("priority", metavar="N", type=int, help="0 is usual; a higher one goes first")
    of["more"].add_argument("steps", metavar="STEPS", type=int, help="how many steps further")
    of["delete"].add_argument("--yes", action="store_true", help="do not ask")
    for name in ("download", "publish"):
        of[name].add_argument("--file", default="", metavar="NAME", help="which save; default: the newest")
    of["publish"].add_argument(
        "--strength", type=float, default=1.0, metavar="S", help="at which it is meant to be used"
    )
    of["publish"].add_argument("--as", dest="new", default="", metavar="NAME", help="default: the run's own name")
    of["publish"].add_argument("--replace", action="store_true", help="a LoRA of that name may be there")
    of["download"].add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where it goes")
    for one in made:
        add_server(one)
    return made


def _action(actions: Any, name: str, text: str, run: Action) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text)
    parser.add_argument("name", metavar="RUN", help="its id, or its name: the newest of that name")
    parser.set_defaults(run=lambda arguments: _on_one(arguments, run))
    return parser


def _on_one(arguments: argparse.Namespace, run: Action) -> dict[str, Any]:
    """What an action gives: its own result, or else the run as it is then."""
    client = connect(arguments)
    result = run(client, client.jobs.find(arguments.name), arguments)
    if not isinstance(result, dict) or "state" not in result or "wish" not in result:
        return result or {}
    if not arguments.json:
        print(_line(result))
    return {"job": result}


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    jobs: list[Any] = [*connect(arguments).jobs.list()] if address_of(arguments) else _kept_here(arguments.data)
    if not arguments.json:
        print(*map(_line, jobs), sep="\n") if jobs else print("There is no run yet.")
    return {"jobs": jobs}


def _kept_here(data: Path) -> list[dict[str, Any]]:
    """What a data folder of this machine keeps of its runs. Nobody need run them for that."""
    from ..host.standalone import DATA_FOLDER
    from ..jobs.reading import records_in

    require(data)
    return [record.to_json() for record in records_in(data / DATA_FOLDER)]


def _line(job: Any) -> str:
    owner = f"  {job['owner']}" if job["owner"] else ""
    return f"{job['id']}  {job['state']:<11} {job['step']:>6}/{job['total_steps']:<6} {job['name']}{owner}"


def _show(client: Client, job: Job, arguments: argparse.Namespace) -> Any:
    if not arguments.json:
        print(json.dumps(job, indent=1, ensure_ascii=False))
        return {}
    return job


def _delete(client: Client, job: Job, arguments: argparse.Namespace) -> Any:
    if not arguments.yes:
        if arguments.json or not sys.stdin.isatty():
            raise ConfigError([f"'{job['name']}' is not deleted without being asked for: give --yes."])
        if input(f"Delete '{job['name']}' with its saves and samples? [y/N] ").strip().lower() not in ("y", "yes"):
            return {"ok": False, "error": "Nothing was deleted."}
    client.jobs.delete(job["id"])
    return {"id": job["id"]}


def _download(client: Client, job: Job, arguments: argparse.Namespace) -> Any:
    return fetched(client, job, arguments.output, file=arguments.file, quiet=arguments.json)


def _publish(client: Client, job: Job, arguments: argparse.Namespace) -> Any:
    """Raises ConfigError for a run that has no save yet."""
    if not job["saves"]:
        raise ConfigError([f"The run '{job['name']}' has no save (yet)."])
    save = arguments.file or job["saves"][-1]["file"]
    wish = {"strength": arguments.strength, "name": arguments.new, "replace": arguments.replace}
    kept = client.jobs.publish(job["id"], save, **wish)
    if not arguments.json:
        print(kept["tag"], *(from_json(remark) for remark in kept["remarks"]))
    return {**kept}


ACTIONS: dict[str, tuple[str, Action]] = {
    "show": ("all that is known of one", _show),
    "watch": ("show one until it ends", lambda client, job, given: follow(client, job, quiet=given.json)),
    "pause": ("give the model back and keep what is done", lambda client, job, _: client.jobs.pause(job["id"])),
    "resume": (
        "go on with one that rests, was stopped or failed",
        lambda client, job, _: client.jobs.resume(job["id"]),
    ),
    "stop": ("end one without a save", lambda client, job, _: client.jobs.stop(job["id"])),
    "save": ("end one with a save", lambda client, job, _: client.jobs.stop_and_save(job["id"])),
    "delete": ("forget one with its files; asks before", _delete),
    "clone": (
        "line up another one with the same options",
        lambda client, job, given: client.jobs.clone(job["id"], options.parse_changes(given.set)),
    ),
    "priority": (
        "let one go before others, or after them",
        lambda client, job, given: client.jobs.prefer(job["id"], given.priority),
    ),
    "more": (
        "train one that has ended further",
        lambda client, job, given: client.jobs.more(job["id"], given.steps),
    ),
    "download": ("fetch a save", _download),
    "publish": ("make a save the final LoRA, in the folder of the server's host", _publish),
}
