"""`train --server`: a whole run on a machine elsewhere, from the pictures here to the file here."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError, UserError
from ..files.disk import megabytes
from .following import follow
from .named import require
from .progress import Screen
from .server import connect

if TYPE_CHECKING:
    from ..client import Client
    from ..wire.jobs import Job


def train(arguments: argparse.Namespace, values: dict[str, Any]) -> dict[str, Any]:
    """Send the pictures, line the run up, show it, and fetch the finished file into --output.

    Raises ConfigError for what a server decides itself, and for wrong options.
    """
    folder, output = _places(arguments, values)
    client = connect(arguments)
    dataset = _dataset(client, arguments, folder)
    job = client.jobs.begin(_for_server(values), dataset, replace=arguments.replace)
    result = follow(client, job, quiet=arguments.json)
    if result["ok"] or result.get("state") == "stopped":
        result |= fetched(client, client.jobs.get(job["id"]), output, quiet=arguments.json)
    return result


def fetched(client: Client, job: Job, output: Path, *, file: str = "", quiet: bool) -> dict[str, Any]:
    """Fetch a save of a run, without a name its newest; `path` is where it lies then. Raises UserError for none."""
    name = file or next((save["file"] for save in job["saves"][::-1]), "")
    if not name:
        if job["state"] == "finished":
            raise UserError(f"The run '{job['name']}' has no save (any more).")
        return {}
    path, screen = output / name, Screen(quiet)
    client.jobs.download(job["id"], name, path, screen.count(f"Fetching {name}"))
    screen.close()
    if not quiet:
        print(f"{path} ({megabytes(path.stat().st_size)})")
    return {"path": str(path)}


def sent(client: Client, folder: Path, name: str, *, scale_for: int = 0, quiet: bool) -> str:
    """The id of a new data set of a folder's pictures, scaled down for a resolution where one is given.

    Raises UserError where the server took none of them.
    """
    screen = Screen(quiet)
    made = client.datasets.create(name)
    added = client.datasets.fill(made["id"], folder, screen.count(f"Sending {folder.name}"), scale_for=scale_for)
    screen.close()
    for one in added["refused"]:
        screen.say(f"Left out: {one['name']} {one['text']}")
    if not added["added"]:
        client.datasets.delete(made["id"])
        raise UserError(f"The server took nothing of '{folder}'.")
    return made["id"]


def _places(arguments: argparse.Namespace, values: Mapping[str, Any]) -> tuple[Path | None, Path]:
    """The folder of pictures that is sent, and the one that the file goes into. Raises ConfigError."""
    problems = []
    if arguments.resume:
        problems.append("A run on a server is gone on with by `jobs resume NAME`.")
    if arguments.base:
        problems.append("Leave out --base: a server trains on its own.")
    if arguments.notify:
        problems.append("Leave out --notify: a server tells of runs through channels of its own.")
    folders = options.value_at(values, "data.folders") or []
    paths = [one.get("path", "") if isinstance(one, Mapping) else str(one) for one in folders]
    if len(paths) > 1 or (paths and arguments.dataset):
        problems.append("Name one folder of pictures with --data, or a data set of the server's with --dataset.")
    if not paths and not arguments.dataset:
        problems.append("Name the pictures: --data DIR, or --dataset NAME for those that the server has.")
    if problems:
        raise ConfigError(problems)
    require(*paths)
    output = options.value_at(values, "save.output") or options.build({}).save.output
    return (Path(paths[0]) if paths else None), Path(output)


def _for_server(values: Mapping[str, Any]) -> dict[str, Any]:
    """What of the options a server does not decide itself: neither base nor folders."""
    left = {name: section for name, section in values.items() if name != "base"}
    for section, place in (("data", "folders"), ("save", "output")):
        if isinstance(left.get(section), Mapping):
            left[section] = {key: value for key, value in left[section].items() if key != place}
    return left


def _dataset(client: Client, arguments: argparse.Namespace, folder: Path | None) -> str:
    """The id of the data set on the server, which the folder is sent into where one is given."""
    if folder is not None:
        return sent(client, folder, folder.resolve().name, quiet=arguments.json)
    found = client.datasets.find(arguments.dataset)
    if found is None:
        raise ConfigError([f"The server has no data set '{arguments.dataset}'. `datasets list --server` shows them."])
    return found["id"]
