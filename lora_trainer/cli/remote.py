"""`train --server`: a whole run on a machine elsewhere, from the pictures here to the file here."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..config import DataOptions
from ..errors import ConfigError, UserError
from ..files.disk import megabytes
from .following import follow
from .named import require
from .progress import Screen
from .sending import sent_for_run
from .server import connect

if TYPE_CHECKING:
    from ..client import Client
    from ..wire.jobs import Job

READ_HERE = ("folders", "metadata", "caption_extensions")
"""Of `data`: what is looked at here, and sent as it is found."""
PLACES_HERE = ("base.checkpoint", "data.folders", "data.cache_folder", "save.output", "save.log_folder")
"""Where things lie on this machine, none of which changes what is learned; the base is the server's own."""


def train(arguments: argparse.Namespace, values: dict[str, Any]) -> dict[str, Any]:
    """Send all folders of pictures, line the run up, show it, and fetch the finished file into --output.

    Raises ConfigError for what a server decides itself, and for wrong options.
    """
    data = _asked(arguments, values)
    output = Path(options.value_at(values, "save.output") or options.build({}).save.output)
    client = connect(arguments)
    given = _for_server(values, sends=not arguments.dataset)
    with ExitStack() as made:  # what was sent for a run that does not come about is not left there
        dataset = _dataset(client, arguments.dataset) if arguments.dataset else ""
        if data.folders:
            first, folders = sent_for_run(client, data, made, quiet=arguments.json)
            dataset, given = dataset or first, options.merged(given, {"data": {"folders": folders}})
        job = client.jobs.begin(given, dataset, replace=arguments.replace)
        made.pop_all()
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


def _asked(arguments: argparse.Namespace, values: Mapping[str, Any]) -> DataOptions:
    """What the options say of the pictures here. Raises ConfigError, also for what a server decides itself."""
    said = values.get("data") or {}
    told = {key: value for key, value in said.items() if key in READ_HERE} if isinstance(said, Mapping) else {}
    data = options.build({"data": told}).data
    own = [folder for folder in data.folders if not folder.regularization]
    problems = []
    if arguments.resume:
        problems.append("A run on a server is gone on with by `jobs resume NAME`.")
    if arguments.base:
        problems.append("Leave out --base: a server trains on its own.")
    if arguments.notify:
        problems.append("Leave out --notify: a server tells of runs through channels of its own.")
    if own and arguments.dataset:
        problems.append("Name the pictures here with --data, or a data set of the server's with --dataset, not both.")
    if not own and not arguments.dataset:
        problems.append("Name the pictures: --data DIR, or --dataset NAME for those that the server has.")
    if problems:
        raise ConfigError(problems)
    require(*(folder.path for folder in data.folders))
    return data


def _for_server(values: Mapping[str, Any], *, sends: bool) -> dict[str, Any]:
    """The options without those that name places here, and those whose work is done when the pictures are sent."""
    done = (*PLACES_HERE, *(f"data.{key}" for key in READ_HERE if sends))
    return {
        name: {key: value for key, value in section.items() if f"{name}.{key}" not in done}
        if isinstance(section, Mapping)
        else section
        for name, section in values.items()
    }


def _dataset(client: Client, named: str) -> str:
    """The id of a data set that the server has. Raises ConfigError."""
    found = client.datasets.find(named)
    if found is None:
        raise ConfigError([f"The server has no data set '{named}'. `datasets list --server` shows them."])
    return found["id"]
