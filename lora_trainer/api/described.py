"""The specification of the routes, OpenAPI 3.1, made from their tables."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..wire.common import Error, Raw
from .call import Call, Entry
from .schema import Schemas

EXAMPLES = Path(__file__).with_name("examples.json")
REFUSALS = {
    400: "The request cannot be answered as it is; the sentence says why.",
    401: "Nobody has signed in.",
    403: "This is the admins', or the request comes from another site's page.",
    404: "What is named is not there, or it is somebody else's.",
    409: "It does not fit what is there now: a name that is taken, a base that is away, a part that does not follow.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    422: "Options are wrong; `problems` names each of them.",
    429: "There were too many wrong tries, or uploads at once; `Retry-After` says for how many seconds to wait.",
    507: "The disk is full, or lets nobody write; what was there before is unharmed.",
}
PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
PLACES: dict[str, dict[str, Any]] = {
    "": {"type": "string", "pattern": r"^[^/\r\n]+$"},
    "path": {"type": "string", "pattern": r"^[^\r\n]+$"},
    "int": {"type": "integer", "minimum": 0},
}
"""What a part of a path may be."""
ABOUT = """
Trains LoRAs on the host's own base. Everything that the page does goes through these routes, and every refusal is a
sentence for people. Where a sign-in is needed: `POST /session` on a standalone server gives a token; a WebUI takes the
names and passwords of `--gradio-auth` and `--api-auth` by HTTP Basic. What `/state` and `/jobs/{id}/events` answer is
also told as it happens by a WebSocket, `/live`, that docs/watching.md describes.
"""


def specification(call: Call) -> dict[str, Any]:
    """This specification, as OpenAPI 3.1."""
    return openapi()


@functools.cache
def openapi() -> dict[str, Any]:
    """Of all tables of routes."""
    from .mount import PREFIX, TABLES

    return described([entry for table in TABLES for entry in table], PREFIX)


def described(entries: Iterable[Entry], prefix: str) -> dict[str, Any]:
    """An OpenAPI document for routes below `prefix`."""
    schemas, paths, subjects = Schemas(), dict[str, Any](), dict[str, str]()
    examples = read_examples()
    for entry in entries:
        place = paths.setdefault(PARAMETER.sub(r"{\1}", entry.path), {})
        place[entry.method.lower()] = _operation(entry, schemas, examples.get(f"{entry.method} {entry.path}", {}))
        subjects.setdefault(_subject(entry), _paragraphs(sys.modules[entry.handler.__module__].__doc__)[0])
    error = {"application/json": {"schema": schemas.of(Error)}}
    refusals = {str(code): {"description": text, "content": error} for code, text in REFUSALS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Train LoRA", "version": __version__, "description": " ".join(ABOUT.split())},
        "servers": [{"url": prefix}],
        "tags": [{"name": name, "description": text} for name, text in subjects.items()],
        "paths": paths,
        "security": [{"token": []}, {"basic": []}, {}],
        "components": {
            "schemas": schemas.components,
            "responses": refusals,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def read_examples() -> dict[str, dict[str, Any]]:
    """By method and path: `path`, `query` and `body` of a request, and the `answer` that it got."""
    return json.loads(EXAMPLES.read_text(encoding="utf-8"))


def refusals_of(entry: Entry) -> list[int]:
    """The statuses that a route may refuse with."""
    codes = {400, 401, 403, *entry.errors}
    codes |= {404} if "{" in entry.path else set()
    codes |= {422} if entry.takes is not None else set()
    codes |= {408, 413, 507} if entry.method != "GET" else set()
    codes |= {429} if entry.upload else set()
    return sorted(codes)


def _operation(entry: Entry, schemas: Schemas, example: dict[str, Any]) -> dict[str, Any]:
    first, *rest = _paragraphs(entry.handler.__doc__)
    summary, _, more = first.partition(". ")
    admins = ["Admins only."] if entry.admin else []
    content = _content(entry.gives, schemas)
    if "answer" in example:
        content["application/json"]["example"] = example["answer"]
    operation: dict[str, Any] = {
        "operationId": f"{_subject(entry)}.{entry.handler.__name__}",
        "tags": [_subject(entry)],
        "summary": summary.rstrip("."),
        "description": "\n\n".join(filter(None, [more, *rest, *admins])),
        "parameters": [*_parameters(entry, example)],
        "responses": {
            "200": {"description": "Done.", "content": content},
            **{str(code): {"$ref": f"#/components/responses/{code}"} for code in refusals_of(entry)},
        },
    }
    if entry.takes is not None:
        body = _content(entry.takes, schemas)
        if "body" in example:
            next(iter(body.values()))["example"] = example["body"]
        operation["requestBody"] = {"content": body}
    return operation


def _parameters(entry: Entry, example: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, kind in PARAMETER.findall(entry.path):
        schema: dict[str, Any] = PLACES[kind]
        yield {"name": name, "in": "path", "required": True, "schema": schema, **_shown(example, "path", name)}
    for name, default in entry.asks.items():
        kind = "integer" if isinstance(default, int) else "string"
        schema = {"type": kind, "default": default}
        yield {"name": name, "in": "query", "schema": schema, **_shown(example, "query", name)}


def _shown(example: dict[str, Any], where: str, name: str) -> dict[str, Any]:
    values = example.get(where, {})
    return {"example": values[name]} if name in values else {}


def _content(kind: Any, schemas: Schemas) -> dict[str, Any]:
    """A body or an answer, by its kinds of content."""
    if isinstance(kind, Raw):
        return {one: {"schema": {}} for one in kind.kinds}
    return {"application/json": {"schema": schemas.of(kind)}}


def _subject(entry: Entry) -> str:
    """The file of a handler names its subject."""
    return entry.handler.__module__.rpartition(".")[2]


def _paragraphs(text: str | None) -> Sequence[str]:
    return [" ".join(one.split()) for one in inspect.cleandoc(text or "").split("\n\n")]


ROUTES = (Entry("GET", "/openapi.json", specification, gives=dict[str, Any]),)
