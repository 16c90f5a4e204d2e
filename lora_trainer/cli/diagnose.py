"""`diagnose`: what went wrong with a run, and which options the next one should have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .named import require


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("diagnose", help="say what went wrong with a run", description=__doc__)
    parser.add_argument(
        "run_folder",
        nargs="?",
        type=Path,
        metavar="NAME.run",
        help="the folder of the run; without it: all that is known",
    )
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read the run's events again. Raises UserError when there are none."""
    from .. import options
    from ..advice.catalogue import CONDITIONS, Adviser, troubleshooting
    from ..errors import UserError
    from ..run_folder import RunFolder

    if arguments.run_folder is None:
        if not arguments.json:
            print(troubleshooting(), end="")
        return {"conditions": [{"name": one.name, "title": one.title, "remedy": one.remedy} for one in CONDITIONS]}
    path = Path(arguments.run_folder)
    require(path)
    folder = RunFolder(path.parent, path.name.removesuffix(".run"))
    if not (folder.events.exists() and folder.config.exists()):
        raise UserError(f"'{path}' is not the folder of a run: it has no events.jsonl with a config.yaml.")
    adviser = Adviser(options.load(folder.config))
    found = [advice for event in folder.read_events() for advice in adviser.see(event)]
    if not arguments.json:
        print("\n".join(str(advice.message) for advice in found) or "Nothing is known to be wrong with this run.")
    return {"advice": [{"code": one.code, "message": one.message, "changes": one.changes} for one in found]}
