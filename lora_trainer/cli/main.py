"""Parses the command line and turns what happens into exit codes: 0 success, 1 a failed or stopped run, 2 wrong use."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from .. import __version__
from ..advice.errors import explain
from ..devices import is_out_of_memory
from ..errors import ConfigError, UserError
from ..registry import suggest
from . import (
    advise,
    caption,
    check,
    choose,
    datasets,
    demo,
    diagnose,
    grid,
    history,
    inspect,
    jobs,
    mark,
    measure,
    notify,
    openapi,
    pocket,
    presets,
    reference,
    regularize,
    serve,
    tags,
    tools,
    train,
    ui,
    users,
)

COMMANDS: tuple[ModuleType, ...] = (
    train,
    jobs,
    ui,
    serve,
    users,
    check,
    mark,
    advise,
    caption,
    datasets,
    tags,
    regularize,
    grid,
    choose,
    history,
    notify,
    demo,
    diagnose,
    inspect,
    tools,
    pocket,
    presets,
    reference,
    openapi,
    measure,
)
SUCCESS, FAILED, WRONG_USE = 0, 1, 2
BROKEN_OFF = {"error": "The program broke off by a mistake of its own; the lines above say where."}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. With --json the last line is one JSON object, however it ended."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _speak_any_character()
    code, result = FAILED, dict[str, Any](BROKEN_OFF)
    try:
        code, result = _run(words)
    finally:
        _report(code, result, as_json="--json" in words)
    return code


def _run(words: Sequence[str]) -> tuple[int, dict[str, Any]]:
    """The exit code of a command, and what --json prints; every failure that can be expected is a sentence."""
    try:
        options = parse(words)
        result: dict[str, Any] = options.run(options)
    except SystemExit as end:  # --help and --version
        return int(end.code or SUCCESS), {}
    except ConfigError as error:
        return WRONG_USE, {"error": str(error), "problems": error.problems}
    except BrokenPipeError:  # whoever read our output has gone, as in `options | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED, {}
    except (UserError, OSError, MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        return FAILED, {"error": explain(error)}
    except KeyboardInterrupt:
        return FAILED, {"error": "Interrupted."}
    return SUCCESS if result.get("ok", True) else FAILED, result


def _report(code: int, result: dict[str, Any], *, as_json: bool) -> None:
    if result.get("error"):
        print(result["error"], file=sys.stderr)
    if as_json:  # in ASCII: on Windows a pipe has the console's code page, and paths must come through whole
        print(json.dumps({"ok": code == SUCCESS, **result}), flush=True)


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, taken apart. Raises ConfigError on wrong use, SystemExit after --help."""
    words = list(sys.argv[1:] if words is None else words)
    parser, commands = _parser()
    first = next((word for word in words if not word.startswith("-")), "")
    if first and first not in commands:
        raise ConfigError([f"There is no command '{first}'. {suggest(first, commands)}"])
    options, unknown = parser.parse_known_args(words)
    if unknown:
        known = re.findall(r"--[a-z-]+", commands[options.command].format_help())
        raise ConfigError([_unknown(options.command, word, known) for word in unknown])
    return options


def _unknown(command: str, word: str, known: Sequence[str]) -> str:
    if not word.startswith("-"):
        return f"'{word}' is one word too many for `{command}`; put quotes around names with spaces."
    return f"`{command}` has no '{word}'. {suggest(word.partition('=')[0], dict.fromkeys(known))}"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """Raise ConfigError in place of ending the program, so that --json gets its line."""
        self.print_usage(sys.stderr)
        raise ConfigError([f"{message[:1].upper()}{message[1:]}. `{self.prog} --help` explains."])


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of everything, and those of the commands by name."""
    parser = _Parser(
        prog="python -m lora_trainer",
        description="Trains LoRAs for Stable Diffusion 1, 2 and XL.",
        epilog="Exit codes: 0 success, 1 a failed or stopped run, 2 wrong use.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        for command in module.add(subparsers):
            command.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    return parser, dict(subparsers.choices)


def _speak_any_character() -> None:
    """Consoles of other code pages must not stop a run over a character in a file name."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
