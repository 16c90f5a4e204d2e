"""`diagnose`: what went wrong with a run, and which options the next one should have."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .named import require

if TYPE_CHECKING:
    from ..events import Advised


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("diagnose", help="say what went wrong with a run", description=__doc__)
    parser.add_argument(
        "run_folder",
        nargs="?",
        type=Path,
        metavar="NAME.run",
        help="the folder of the run; without it: all that is known",
    )
    parser.add_argument(
        "--out", metavar="FILE.yaml", type=Path, help="write the run's options, changed as advised, for `train` there"
    )
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Read the run's events again. Raises UserError when there are none."""
    from ..advice.catalogue import CONDITIONS, troubleshooting
    from ..advice.diagnosis import diagnose, folder_of_run

    if arguments.run_folder is None:
        if not arguments.json:
            print(troubleshooting(), end="")
        return {"conditions": [{"name": one.name, "title": one.title, "remedy": one.remedy} for one in CONDITIONS]}
    require(arguments.run_folder)
    folder = folder_of_run(arguments.run_folder)
    found = diagnose(folder)
    changes = together(found)
    if not arguments.json:
        _show(found, changes)
    if arguments.out:
        _write(arguments.out, folder.config, changes, quiet=arguments.json)
    advice = [{"code": one.code, "message": one.message, "changes": one.changes} for one in found]
    return {"advice": advice, "changes": changes, "set": in_words(changes)}


def together(found: Sequence[Advised]) -> dict[str, Any]:
    """The changes of all pieces of advice; where two change one option, the first was recognised first and holds."""
    return {path: value for advice in reversed(found) for path, value in advice.changes.items()}


def in_words(changes: Mapping[str, Any]) -> str:
    """The changes as they stand on the command line of `train`."""
    return " ".join(f"--set {path}={value}" for path, value in changes.items())


def _show(found: Sequence[Advised], changes: Mapping[str, Any]) -> None:
    print("\n".join(f"- {advice.message}" for advice in found) or "Nothing is known to be wrong with this run.")
    if changes:
        print(f"For the next run: {in_words(changes)}")
    if any(advice.pictures for advice in found):
        print("`check DIR` tells which pictures and captions to look at.")


def _write(file: Path, config: Path, changes: Mapping[str, Any], *, quiet: bool) -> None:
    """The run's options with the changes."""
    from .. import options
    from ..files.atomic import write_text

    values = options.merged(options.read_yaml(config), options.unflattened(changes))
    write_text(file, options.to_yaml(options.build(values)))
    if not quiet:
        print(f"Written to {file}: `train {file}` begins it.")
