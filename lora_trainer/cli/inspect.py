"""`inspect`: what is in a LoRA file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .named import require


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("inspect", help="show what is in a LoRA file", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..files.inspection import inspect

    require(arguments.file)
    found = inspect(arguments.file)
    if not arguments.json:
        print(found.as_text())
    return found.as_json()
