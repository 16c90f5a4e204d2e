"""Admins say who may sign in; everybody changes their own password; what was done is noted."""

import json

import pytest

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.accounts.patience import FREE

SECRET = "a long password"


@pytest.fixture
def accounts(desk, tmp_path):
    desk.accounts = Accounts(tmp_path / "data", Cost(2**4, 1, 1))
    desk.accounts.add("root", SECRET, "admin")
    return desk.accounts


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_an_account_is_made_changed_and_removed(root, accounts):
    made = root.post("people", json={"name": "Bob", "password": SECRET})
    assert (made.json()["name"], made.json()["role"], made.json()["disabled"]) == ("Bob", "user", False)
    assert accounts.admitted("bob", SECRET)
    assert root.put("people/bob", json={"role": "admin"}).json()["role"] == "admin"
    assert root.put("people/bob", json={"password": "another password"}).status_code == 200
    assert accounts.admitted("bob", "another password") and not accounts.admitted("bob", SECRET)
    assert root.delete("people/BOB").status_code == 200 and accounts.get("bob") is None
    assert code(root.delete("people/bob")) == (404, "no_user")


def test_one_that_is_switched_off_lets_nobody_in_until_it_is_on_again(root, accounts):
    accounts.add("bob", SECRET)
    before = accounts.get("bob").version
    assert root.put("people/bob", json={"disabled": True}).json()["disabled"] is True
    assert not accounts.admitted("bob", SECRET) and accounts.get("bob").version != before
    root.put("people/bob", json={"disabled": False})
    assert accounts.admitted("bob", SECRET)


@pytest.mark.parametrize(("method", "body"), [("DELETE", None), ("PUT", {"role": "user"}), ("PUT", {"disabled": True})])
def test_the_last_admin_who_can_sign_in_stays(root, accounts, method, body):
    accounts.add("other", SECRET, "admin")
    accounts.disable("other")
    assert code(root.request(method, "people/root", json=body)) == (400, "last_admin")
    assert accounts.admitted("root", SECRET).role == "admin"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": "ROOT", "password": SECRET}, "user_there"),
        ({"name": "a b", "password": SECRET}, "user_name"),
        ({"name": "bob", "password": "short"}, "password_length"),
        ({"name": "bob", "password": SECRET, "role": "king"}, "user_role"),
        ({"name": ["bob"]}, "wrong_value"),
    ],
)
def test_what_can_be_no_account_is_a_sentence(root, accounts, given, told):
    assert code(root.post("people", json=given)) == (400, told)
    assert [one.name for one in accounts.all()] == ["root"]


def test_where_nobody_signs_in_by_accounts_there_are_none_to_change(root, desk):
    assert code(root.post("people", json={"name": "bob", "password": SECRET})) == (400, "accounts_elsewhere")
    assert root.get("people").json()["accounts"] is False


def test_everybody_changes_their_own_password_knowing_the_old_one(bob, accounts):
    accounts.add("bob", SECRET)
    assert code(bob.put("session/password", json={"old": "wrong", "new": "another password"})) == (400, "old_password")
    assert code(bob.put("session/password", json={"old": SECRET, "new": "short"})) == (400, "password_length")
    assert bob.put("session/password", json={"old": SECRET, "new": "another password"}).status_code == 200
    assert accounts.admitted("bob", "another password")


def test_guessing_the_old_password_is_slowed_down(bob, accounts):
    accounts.add("bob", SECRET)
    for _ in range(FREE):
        bob.put("session/password", json={"old": "wrong", "new": "another password"})
    assert code(bob.put("session/password", json={"old": SECRET, "new": "another password"})) == (429, "sign_in_wait")


def test_everybody_with_an_account_is_shown_with_role_limits_and_use(root, accounts):
    accounts.add("bob", SECRET)
    root.put("people/*/limits", json={"jobs": 2})
    root.put("people/BOB/limits", json={"hours": 3})
    told = {one["name"]: one for one in root.get("people").json()["people"]}
    assert set(told) == {"bob", "root"} and told["root"]["role"] == "admin"
    assert (told["bob"]["limits"]["hours"], told["bob"]["own_limits"], told["root"]["own_limits"]) == (3, True, False)
    assert root.delete("people/bob/limits").json()["limits"] == {"jobs": 2, "disk": 0, "hours": 0, "runs": 0}


def test_what_was_done_is_noted_with_who_did_it_and_no_password(root, bob, accounts, desk):
    root.post("people", json={"name": "bob", "password": SECRET})
    root.put("people/bob", json={"password": "another password", "disabled": True})
    root.put("people/bob/limits", json={"jobs": 1})
    rows = root.get("audit").json()["rows"]
    assert [(one["who"], one["what"], one["whom"]) for one in rows] == [
        ("root", "limits", "bob"),
        ("root", "disable", "bob"),
        ("root", "password", "bob"),
        ("root", "add", "bob"),
    ]
    assert "password" not in json.dumps([{**one, "what": ""} for one in rows]) and bob.get("audit").status_code == 403
