"""The specification as a page for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .described import openapi

HEAD = """# The HTTP interface

{about}

Paths are below `{prefix}`. This page is made by `python -m lora_trainer openapi --form markdown`; a running server
gives the same as OpenAPI 3.1 at `{prefix}/openapi.json`, with the schema of every body and answer. Python programs
have [a client](client.md).

A refusal is `{{"error": {{"code", "text", "values"}}, "problems": [...]}}` with a status that is one of these:

{refusals}
"""


def markdown() -> str:
    """All routes by subject, with an example of each body."""
    whole = openapi()
    refusals = "\n".join(f"- {code}: {one['description']}" for code, one in whole["components"]["responses"].items())
    head = HEAD.format(about=whole["info"]["description"], prefix=whole["servers"][0]["url"], refusals=refusals)
    return "\n".join([head, *(line for tag in whole["tags"] for line in _subject(whole, tag))]).rstrip() + "\n"


def _subject(whole: Mapping[str, Any], tag: Mapping[str, str]) -> Iterator[str]:
    yield f"## {tag['name']}\n\n{tag['description']}\n"
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if tag["name"] in operation["tags"]:
                yield from _operation(f"{method.upper()} {path}", operation)


def _operation(route: str, operation: Mapping[str, Any]) -> Iterator[str]:
    queries = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
    query = f"?{'&'.join(f'{name}=' for name in queries)}" if queries else ""
    yield f"**`{route}{query}`** {operation['summary']}. {operation['description']}".rstrip() + "\n"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if isinstance(content.get("example"), dict):
            yield f"```json\n{json.dumps(content['example'], ensure_ascii=False)}\n```\n"
    yield f"Gives {_kind(operation['responses']['200']['content'])}.\n"


def _kind(content: Mapping[str, Any]) -> str:
    """What an answer is, in a word."""
    first, body = next(iter(content.items()))
    if first != "application/json":
        return f"`{first}`"
    return _named(body["schema"])


def _named(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(map(_named, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"a list of {_named(schema['items'])}"
    return f"`{schema['$ref'].rpartition('/')[2]}`" if "$ref" in schema else "an object"
