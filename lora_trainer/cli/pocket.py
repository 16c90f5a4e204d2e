"""`pocket`: puts the embedded base into a WebUI's model folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .named import require


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("pocket", help="put the embedded base into a WebUI", description=__doc__)
    parser.add_argument("--into", required=True, type=Path, metavar="WEBUI", help="the WebUI's folder")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..pocket.install import install_into

    require(arguments.into)
    files = install_into(arguments.into)
    if not arguments.json:
        print("\n".join(str(file) for file in files))
        print("Choose 'pocket' among the WebUI's checkpoints, and draw at 64 x 64.")
    return {"files": [str(file) for file in files]}
