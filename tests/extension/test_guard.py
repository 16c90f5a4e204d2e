"""Whoever may use the WebUI may use the trainer, and nobody else."""

import base64
from types import SimpleNamespace

import pytest

from lora_trainer.api.errors import Refused
from lora_trainer.extension.guard import Guard

OPEN = SimpleNamespace()
LOGIN = SimpleNamespace(auth={"ann": "päss:word"}, tokens={"secret": "ann"}, cookie_id="x1")


def request(method="GET", cookies=None, **headers):
    return SimpleNamespace(
        method=method, cookies=cookies or {}, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def status(app, api_auth, *args, **kwargs):
    refusal = refusal_of(app, api_auth, *args, **kwargs)
    return refusal.status if refusal else 200


def refusal_of(app, api_auth, *args, **kwargs):
    try:
        Guard(app, api_auth)(request(*args, **kwargs))
    except Refused as refusal:
        return refusal
    return None


def test_an_open_webui_is_open():
    assert status(OPEN, {}) == status(SimpleNamespace(auth=None), {}, "POST") == 200


def test_with_a_login_only_visitors_who_have_logged_in_come_in():
    assert status(LOGIN, {}) == 401
    assert status(LOGIN, {}, cookies={"access-token": "secret"}) == 200
    assert status(LOGIN, {}, cookies={"access-token-unsecure": "secret"}) == 200
    assert status(LOGIN, {}, cookies={"access-token": "guessed"}) == 401


def test_newer_gradio_names_its_cookies_after_the_app():
    assert status(LOGIN, {}, cookies={"access-token-x1": "secret"}) == 200
    assert status(LOGIN, {}, cookies={"access-token-x2": "secret"}) == 401


def test_programs_name_themselves():
    assert status(OPEN, {"bot": "key"}) == 401
    assert status(OPEN, {"bot": "key"}, authorization=basic("bot", "key")) == 200
    assert status(OPEN, {"bot": "key"}, authorization=basic("bot", "wrong")) == 401
    assert status(OPEN, {"bot": "key"}, authorization=basic("nobody", "key")) == 401
    assert status(LOGIN, {}, authorization=basic("ann", "päss:word")) == 200


def who(app, api_auth, admins=(), **kwargs):
    visitor = Guard(app, api_auth, admins)(request(**kwargs))
    return visitor.name, visitor.role


def test_everybody_has_the_name_of_the_login_and_nobody_one_without():
    assert who(OPEN, {}) == ("", "admin")
    assert who(LOGIN, {}, cookies={"access-token": "secret"}) == ("ann", "admin")
    assert who(OPEN, {"bot": "key"}, authorization=basic("bot", "key")) == ("bot", "admin")
    assert who(LOGIN, {"bot": "key"}, authorization=basic("bot", "key")) == ("bot", "user")


def test_without_a_page_its_accounts_name_themselves():
    guard = Guard(OPEN, {}, page_auth={"ann": "a", "bob": "b"})
    with pytest.raises(Refused) as refused:
        guard(request())
    assert refused.value.status == 401 and "WWW-Authenticate" in refused.value.headers
    assert guard(request(authorization=basic("bob", "b"))).name == "bob"


def test_admins_are_those_that_are_named_else_the_first_account():
    two = SimpleNamespace(auth={"ann": "a", "bob": "b"}, tokens={"1": "ann", "2": "bob"})
    assert who(two, {}, cookies={"access-token": "1"}) == ("ann", "admin")
    assert who(two, {}, cookies={"access-token": "2"}) == ("bob", "user")
    assert who(two, {}, ["bob"], cookies={"access-token": "1"}) == ("ann", "user")
    assert who(two, {}, ["bob"], cookies={"access-token": "2"}) == ("bob", "admin")
    asked = SimpleNamespace(auth=lambda user, password: True, tokens={})
    assert who(asked, {"ann": "x"}, authorization=basic("ann", "y")) == ("ann", "user")


def test_with_both_either_suffices():
    assert status(LOGIN, {"bot": "key"}) == 401
    assert status(LOGIN, {"bot": "key"}, authorization=basic("bot", "key")) == 200
    assert status(LOGIN, {"bot": "key"}, cookies={"access-token": "secret"}) == 200


def test_a_login_that_is_a_function_is_asked():
    app = SimpleNamespace(auth=lambda user, password: password == user[::-1], tokens={})
    assert status(app, {}, authorization=basic("ann", "nna")) == 200
    assert status(app, {}, authorization=basic("ann", "ann")) == 401


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic ???", "Basic " + base64.b64encode(b"\xff:x").decode(), "Bearer x"]
)
def test_garbled_credentials_are_no_credentials(header):
    assert status(OPEN, {"bot": "key"}, authorization=header) == 401


def test_a_browser_is_asked_for_a_password_only_where_the_page_has_no_login():
    assert "WWW-Authenticate" in refusal_of(OPEN, {"bot": "key"}).headers
    assert not refusal_of(LOGIN, {"bot": "key"}).headers
