"""Plays the examples of the specification on a house, one after the other, and judges what comes back.

`python -m tests.api.playing` writes the answers into the examples anew.
"""

import json
import re
from urllib.parse import quote

from lora_trainer.api.call import Entry
from lora_trainer.api.described import EXAMPLES, openapi, read_examples
from lora_trainer.api.mount import TABLES
from lora_trainer.wire.common import Raw

ENTRIES: dict[str, Entry] = {f"{entry.method} {entry.path}": entry for table in TABLES for entry in table}
SHOWN = 2
"""How many entries of a long list an example keeps."""


def play(house, route, example):
    """The answer to an example. What it calls by the examples' names is called by those of the house."""
    entry, given = ENTRIES[route], json.loads(translated(json.dumps(example), house.known))
    path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: quote(str(given["path"][found[1]])), entry.path)
    body = given.get("body")
    sent = {"content": body.encode()} if isinstance(body, str) else {} if body is None else {"json": body}
    return house.client.request(entry.method, path.lstrip("/"), params=given.get("query"), **sent)


def misfit(schema, value):
    """Why a value does not fit a schema of the specification; empty when it does."""
    import jsonschema_rs

    whole = {**schema, "components": openapi()["components"]}
    try:
        jsonschema_rs.validate(whole, value)
    except jsonschema_rs.ValidationError as error:
        return f"{error.message} at {error.instance_path}"
    return ""


def undescribed(schema, value, where=""):
    """Names in an answer that its schema does not know."""
    if "$ref" in schema:
        schema = openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        found = [undescribed(one, value, where) for one in schema["anyOf"] if not misfit(one, value)]
        return min(found, key=len, default=[])
    if isinstance(value, list):
        return [name for one in value for name in undescribed(schema.get("items", {}), one, where)]
    if not isinstance(value, dict) or "properties" not in schema or schema.get("additionalProperties"):
        return []
    known = schema["properties"]
    inner = [name for key in value if key in known for name in undescribed(known[key], value[key], f"{where}.{key}")]
    return [*(f"{where}.{key}" for key in value if key not in known), *inner]


def translated(text, names):
    for name, other in names.items():
        text = text.replace(name, other)
    return text


def shortened(value):
    """A value with the first few entries of every list, and of tables that are lists of a kind."""
    if isinstance(value, list):
        return [shortened(one) for one in value[:SHOWN]]
    return {key: shortened(one) for key, one in value.items()} if isinstance(value, dict) else value


def record(house):
    """Play all examples, and keep what came back in them."""
    examples, back = read_examples(), {real: name for name, real in house.known.items()}
    wrong = {}
    for route, example in examples.items():
        answer = play(house, route, {key: value for key, value in example.items() if key != "answer"})
        if answer.status_code != example.get("status", 200):
            wrong[route] = answer.text
        example.pop("answer", None)
        if not isinstance(ENTRIES[route].gives, Raw) and answer.status_code == 200 and route != "GET /openapi.json":
            example["answer"] = shortened(json.loads(translated(answer.text, back)))
    EXAMPLES.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return wrong


if __name__ == "__main__":
    import tempfile
    from pathlib import Path

    from tests.api.house import House
    from tests.runs import draw_pictures

    with tempfile.TemporaryDirectory() as place:
        house = House(Path(place) / "house", draw_pictures(Path(place) / "zorb"))
        print(*record(house).items(), sep="\n")
        house.close()
