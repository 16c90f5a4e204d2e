"""Addresses and names that try to leave the folder which they belong to."""

import itertools
import re

import pytest

from lora_trainer.api.mount import TABLES

from .asking import refused
from .conftest import SECRET

NAMES = (
    "..",
    "../../../outside/secret.txt",
    "..%2f..%2f..%2foutside%2fsecret.txt",
    "..%252f..%252foutside%252fsecret.txt",
    "..%5c..%5coutside%5csecret.txt",
    "....//....//outside/secret.txt",
    "%2e%2e/%2e%2e/outside/secret.txt",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/outside/secret.txt",
    "%ed%a0%80/secret.txt",
    "a.png%00.txt",
    "%00",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "C:%5cWindows%5cwin.ini",
    "C:secret.txt",
    "%5c%5c203.0.113.9%5cshare%5ca.png",
    "//203.0.113.9/share/a.png",
    "file:///etc/passwd",
    "~root/secret.txt",
    ".opened.json",
    ".uploads",
    "a.png::$DATA",
    "CON",
    "NUL.png",
    "a" * 5000,
    "%0d%0aset-cookie:%20x=1",
    "*",
    "[0-9]*",
    "%F0%9F%90%88" * 300,
    "%FF%FE",
    "..;/..;/secret.txt",
    "9" * 5000,
)
ENTRIES = [entry for table in TABLES for entry in table if "{" in entry.path]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.method} {entry.path}")
def test_no_address_leads_out(entry, eve, root, dataset, job, unharmed):
    known = {"datasets": dataset, "jobs": job}.get(entry.path.split("/")[1], "x")
    holes = re.findall(r"{(\w+)", entry.path)
    asked = [*((name, root) for name in NAMES), *((name, eve) for name in NAMES[::8])]
    for hole, (name, who) in itertools.product(holes, asked):
        usual = {one: known if one == "id" else "x" for one in holes}
        path = re.sub(r":\w+}", "}", entry.path).format(**{**usual, hole: name})
        answer = who(entry.method, path, body=b"{}")
        assert refused(answer) or _stays_inside(entry, answer), (path, answer)
        assert SECRET not in answer.body


def _stays_inside(entry, answer):
    """Whether an answer that is no refusal only says what a name, which may be any, became."""
    if answer.status != 200:
        return False
    if entry.path == "/people/{name}/limits":  # any name may be somebody's
        return True
    if entry.path == "/vocabularies/{name}" and entry.method == "DELETE":  # of one that was just written
        return answer.json() == {}
    if entry.path == "/vocabularies/{name}":
        return re.search(r"[/\\\\]|^\\.", answer.json()["name"]) is None
    added = [name.split("/") for name in answer.json().get("added", [".."])]
    return not any("" in parts or ".." in parts or "\\" in "".join(parts) for parts in added)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("CON", "NUL.png", "a.png::$DATA")])
def test_no_name_of_a_picture_leads_out(name, root, dataset, ground, unharmed):
    """Where names are made fit and not refused, what comes of them lies in the data set."""
    from .conftest import png

    before = set((ground / "private" / "data" / "datasets" / "zorb").rglob("*"))
    answer = root("PUT", f"/datasets/{dataset}/files/{name}", body=png())
    assert answer.status < 500, answer
    new = set((ground / "private" / "data" / "datasets" / "zorb").rglob("*")) - before
    for path in new:
        path.unlink() if path.is_file() else None
