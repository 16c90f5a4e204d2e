"""`openapi`: the specification of the HTTP interface, generated."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

FORMS = ("json", "markdown")


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("openapi", help="describe the HTTP interface", description=__doc__)
    parser.add_argument("--form", choices=FORMS, default="json", help="OpenAPI 3.1, or a Markdown page")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..api.described import openapi
    from ..api.page import markdown

    if arguments.json:
        return {"openapi": openapi()}
    text = markdown() if arguments.form == "markdown" else json.dumps(openapi(), indent=1, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
    return {}
