"""`options`: the reference of all options, generated."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .. import options
from ..reference import default_file, markdown, plain_lines

FORMS = ("text", "markdown", "yaml")


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("options", help="list all options", description=__doc__)
    parser.add_argument("--form", choices=FORMS, default="text", help="text, a Markdown page, or a commented YAML file")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    texts = {"text": lambda: "\n".join(plain_lines()) + "\n", "markdown": markdown, "yaml": default_file}
    if not arguments.json:
        sys.stdout.write(texts[arguments.form]())
    return {"options": [_plain(option) for option in options.walk()]} if arguments.json else {}


def _plain(option: options.Option) -> dict[str, Any]:
    return {
        "path": option.path,
        "default": option.default,
        "help": option.help,
        "level": option.level,
        "least": option.least,
        "most": option.most,
        "choices": list(option.choices),
        "also": list(option.also),
    }
