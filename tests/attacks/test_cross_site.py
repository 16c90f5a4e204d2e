"""What other sites' pages, and programs without a sign-in, try to have done in a visitor's name."""

import itertools
import re

import pytest

from lora_trainer.api.mount import TABLES

from .asking import ask, refused
from .conftest import named

ENTRIES = [entry for table in TABLES for entry in table]
WRITING = [entry for entry in ENTRIES if entry.method != "GET"]
ELSEWHERE = (
    [("origin", "https://evil.example")],
    [("origin", "null")],
    [("origin", "http://testserver.evil.example")],
    [("origin", "http://testserver@evil.example")],
    [("origin", "http://testserver:8080")],
    [("origin", "http://testserver\\.evil.example")],
    [("origin", "file://")],
    [("referer", "https://evil.example/http://testserver/")],
    [("sec-fetch-site", "cross-site")],
    [("origin", "http://testserver"), ("sec-fetch-site", "cross-site")],
    [("origin", "https://evil.example"), ("x-forwarded-proto", "https")],
)
FORMS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
"""What a page elsewhere may send without asking the browser's leave first."""


def filled(entry):
    return re.sub(r"{[^}]*}", "x", entry.path)


@pytest.mark.parametrize("headers", ELSEWHERE, ids=lambda headers: " ".join(map("=".join, headers)))
def test_no_other_site_changes_anything(headers, root, unharmed):
    for entry, form in zip(WRITING, itertools.cycle(FORMS)):
        sent = [*headers, ("content-type", form)]
        answer = root(entry.method, filled(entry), body=b"{}", headers=sent)
        assert answer.status == 403 and answer.json()["error"]["code"] == "cross_site", entry.path


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.method} {entry.path}")
def test_without_a_sign_in_no_route_says_anything(entry, app, unharmed):
    for headers in ((), [("x-forwarded-user", "root")], [("authorization", "Basic cm9vdDo=")], [("x-name", "")]):
        answer = ask(app, entry.method, filled(entry), headers=headers)
        assert answer.status == 401 and answer.json()["error"]["code"] == "not_signed_in"


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.admin], ids=lambda entry: entry.path)
def test_what_is_the_admins_is_nobody_elses(entry, eve, unharmed):
    answer = eve(entry.method, filled(entry), body=b"{}")
    assert answer.status == 403 and answer.json()["error"]["code"] == "admin_only"


@pytest.mark.parametrize("header", ["x-http-method-override", "x-method-override", "x-http-method", "_method"])
def test_a_reading_request_stays_one_whatever_it_says_it_is(header, root, dataset, unharmed):
    assert root("GET", f"/datasets/{dataset}", headers=[(header, "DELETE")]).status == 200
    assert root("GET", f"/datasets/{dataset}", query="_method=DELETE").status == 200
    assert refused(root("POST", f"/datasets/{dataset}", headers=[(header, "DELETE")]))
    assert root("GET", f"/datasets/{dataset}").status == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get", "DELETE\tX", "OPTIONS"])
def test_methods_that_no_route_has_are_refused(method, root, unharmed):
    assert refused(root(method, "/state"))


def test_a_name_of_a_visitor_is_only_a_name(app, unharmed):
    for name in ("../root", "root\x00", "ROOT", "a" * 5000, "<script>", "*"):
        answer = ask(app, "GET", "/usage", headers=[named(name)])
        assert answer.status == 200 and answer.json()["name"] == name
        assert refused(ask(app, "GET", "/people", headers=[named(name)]))
