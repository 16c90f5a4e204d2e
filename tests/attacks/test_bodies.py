"""Bodies and queries that no page sends: too deep, too long, too large, of the wrong kind, or no text at all."""

import re

import pytest

from lora_trainer.api.mount import TABLES

from .asking import refused

DIGITS = b"9" * 4000
BODIES = {
    "nothing": b"",
    "no JSON": b"\xff\xfe\x00{",
    "not UTF-8": b'{"name": "\xc0\xaf"}',
    "a list": b"[]",
    "a number": b"1e308",
    "deep lists": b'{"values": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"values": ' + b'{"a":' * 600 + b"1" + b"}" * 600 + b"}",
    "deep values everywhere": b'{"name": %s, "values": %s, "captions": %s}' % ((b"[" * 300 + b"]" * 300,) * 3),
    "half of a character": rb'{"name": "\ud800", "title": "\ud800", "why": "x", "values": {"save.comment": "\udfff"}}',
    "NUL": rb'{"name": "a\u0000b", "path": "/\u0000", "values": {"save.name": "\u0000"}}',
    "no numbers": b'{"strength": NaN, "strengths": [Infinity], "threshold": -Infinity, "values": {"steps": NaN}}',
    "huge numbers": b'{"size": 1e308, "strength": 1e308, "steps": 1e308, "values": {"steps": 1e308}}',
    "numbers of many digits": b'{"size": %s, "strength": %s, "strengths": [%s], "guidance": %s, "threshold": %s,'
    b' "steps": %s, "seed": %s, "most": %s, "batch": %s, "count": %s, "priority": %s, "jobs": %s, "name": "x",'
    b' "values": {"steps": %s, "network.alpha": %s}}' % ((DIGITS,) * 14),
    "twice": b'{"name": "a", "name": 7, "values": {}, "values": []}',
    "wrong kinds": b'{"name": {}, "values": 7, "dataset": [], "job": 1, "path": {}, "pictures": "x", "captions": 3}',
    "lists of wrong kinds": b'{"saves": [{}], "prompts": [1], "strengths": ["x"], "kept": [[]], "when": [3]}',
    "a dotted key": b'{"values": {"%s": 1, "network.block_ranks.%s": 2}}' % ((b"a." * 5000 + b"a",) * 2),
    "many options": b'{"values": {%s}}' % b", ".join(b'"k%d": 1' % number for number in range(20_000)),
    "a long name": b'{"name": "%s", "values": {"save.name": "%s"}}' % ((b"a" * 200_000,) * 2),
    "a constructor": b'{"__class__": "os.system", "values": {"__init__": {"__globals__": 1}}, "name": "{0.__class__}"}',
    "braces": b'{"name": "{}", "title": "{x!r}", "why": "{0}", "values": {"{": 1, "optimizer.name": "{x}"}}',
}
WRITING = [entry for table in TABLES for entry in table if entry.method != "GET"]
READING = [entry for table in TABLES for entry in table if entry.method == "GET"]
QUERIES = (
    "after=" + "9" * 5000,
    "after=NaN&limit=1e308&wait=-1",
    "resolution=" + "0" * 5000 + "&side=%00",
    "&".join(f"k{number}=1" for number in range(5000)),
    "values=" + "%5B" * 5000,
    "values=%7B%22steps%22:%20NaN%7D&with=%ED%A0%80&text=%FF",
    "feed=%0d%0a&side=-1&points=-5",
    "values=%22%5Cud800%22&values=%7B%7D",
)


def filled(path, dataset, job):
    known = {"datasets": dataset, "jobs": job}.get(path.split("/")[1], "x")
    return re.sub(r"{(\w+)[^}]*}", lambda found: known if found[1] == "id" else "1", path)


@pytest.mark.parametrize("entry", WRITING, ids=lambda entry: f"{entry.method} {entry.path}")
def test_no_body_is_more_than_a_refusal(entry, root, dataset, job, unharmed):
    for kind, body in BODIES.items():
        if entry.method == "DELETE" and "x" not in filled(entry.path, "x", "x"):
            continue
        path = filled(entry.path, dataset, job) if entry.method != "DELETE" else filled(entry.path, "x", "x")
        answer = root(entry.method, path, body=body)
        assert answer.status == 200 or refused(answer), (kind, answer)


@pytest.mark.parametrize("entry", READING, ids=lambda entry: entry.path)
def test_no_query_is_more_than_a_refusal(entry, root, dataset, job, unharmed):
    for query in QUERIES:
        answer = root(entry.method, filled(entry.path, dataset, job), query=query)
        assert answer.status == 200 or refused(answer), (query[:60], answer)
