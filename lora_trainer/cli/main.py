"""Parses the command line and turns what happens into exit codes: 0 success, 1 a failed run, 2 wrong use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .. import __version__
from ..errors import ConfigError, UserError
from . import demo, grid, inspect, measure, pocket, reference, tools, train, ui

COMMANDS: tuple[ModuleType, ...] = (train, ui, grid, demo, inspect, tools, pocket, reference, measure)
SUCCESS, FAILED, WRONG_USE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _speak_utf8()
    options = parse(arguments)
    try:
        result: dict[str, Any] = options.run(options)
        code = SUCCESS if result.get("ok", True) else FAILED
    except ConfigError as error:
        code, result = WRONG_USE, {"ok": False, "error": str(error), "problems": error.problems}
    except UserError as error:
        code, result = FAILED, {"ok": False, "error": str(error)}
    except KeyboardInterrupt:
        code, result = FAILED, {"ok": False, "error": "Interrupted."}
    if result.get("error"):
        print(result["error"], file=sys.stderr)
    if options.json:
        print(json.dumps({"ok": code == SUCCESS, **result}, ensure_ascii=False), flush=True)
    return code


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, taken apart; exits with 2 on wrong use."""
    return _parser().parse_args(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lora_trainer",
        description="Trains LoRAs for Stable Diffusion 1, 2 and XL.",
        epilog="Exit codes: 0 success, 1 a failed run, 2 wrong use.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        for command in module.add(subparsers):
            command.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return parser


def _speak_utf8() -> None:
    """Consoles of other code pages must not stop a run over a character in a file name."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
