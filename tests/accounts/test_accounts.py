"""Accounts: kept privately, changed by any program, compared without telling anything."""

import json
import stat
import sys

import pytest

from lora_trainer.accounts import Accounts, passwords
from lora_trainer.accounts.passwords import LEAST, Cost, hashed, is_right
from lora_trainer.errors import NotFound, UserError

CHEAP = Cost(2**4, 1, 1)
SECRET = "a long password"


@pytest.fixture
def accounts(tmp_path):
    made = Accounts(tmp_path / "data", CHEAP)
    made.add("root", SECRET, "admin")
    made.add("Ann", SECRET)
    return made


def code(call, *values):
    with pytest.raises(UserError) as raised:
        call(*values)
    return raised.value.sentence.code


def test_a_right_password_lets_in_by_whatever_capitals_of_the_name(accounts):
    assert accounts.admitted("ann", SECRET).name == "Ann"
    assert accounts.admitted("ann", "another password") is None
    assert accounts.admitted("nobody", SECRET) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
def test_the_file_is_its_owner_s_alone_and_holds_no_password(accounts):
    assert stat.S_IMODE(accounts.file.stat().st_mode) == 0o600
    assert SECRET not in accounts.file.read_text()


def test_the_same_password_is_kept_differently_with_what_it_was_hashed_with():
    one, other = hashed(SECRET, CHEAP), hashed(SECRET, Cost(2**5, 2, 1))
    assert one["hash"] != hashed(SECRET, CHEAP)["hash"]
    assert is_right(SECRET, one) and is_right(SECRET, other) and not is_right(SECRET + "x", one)


@pytest.mark.parametrize("password", ["", "x" * (LEAST - 1), "x" * 1001])
def test_passwords_of_a_strange_length_are_refused(accounts, password):
    assert code(accounts.add, "bob", password) == "password_length"


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a\r\nSet-Cookie: x", "a\0b", "../ann", "a/b", ".a", "x" * 41, "a;b", "\u202eann", '"']
)
def test_what_means_something_elsewhere_is_no_name(accounts, name):
    assert code(accounts.add, name, SECRET) == "user_name"


def test_names_are_one_user_s_in_any_spelling(accounts):
    assert accounts.add("Zoë", SECRET).name == "Zo\u00eb"
    assert code(accounts.add, "zoe\u0308", SECRET) == code(accounts.add, "ANN", SECRET) == "user_there"


def test_there_is_always_an_admin(accounts):
    assert code(accounts.remove, "root") == code(accounts.set_role, "root", "user") == "last_admin"
    assert code(accounts.set_role, "ann", "king") == "user_role"
    accounts.set_role("ann", "admin")
    accounts.remove("root")
    assert [(one.name, one.role) for one in accounts.all()] == [("Ann", "admin")]
    with pytest.raises(NotFound):
        accounts.remove("root")


def test_another_program_s_changes_are_seen(accounts):
    other = Accounts(accounts.file.parent, CHEAP)
    assert accounts.get("bob") is None
    other.add("bob", SECRET)
    assert accounts.admitted("bob", SECRET) and accounts.key() == other.key()


def test_a_damaged_file_lets_nobody_in(accounts):
    accounts.file.write_text("{", encoding="utf-8")
    assert code(accounts.admitted, "ann", SECRET) == "accounts_damaged"
    assert json.dumps(accounts.file.read_text()) == '"{"'


def test_an_unknown_name_is_as_much_work_as_a_wrong_password(tmp_path, monkeypatch):
    """So that the time of an answer does not tell which names there are."""
    accounts = Accounts(tmp_path, Cost(2**12, 8, 1))
    accounts.add("ann", SECRET, "admin")
    done, scrypt = [], passwords.hashlib.scrypt
    monkeypatch.setattr(passwords.hashlib, "scrypt", lambda *given, **cost: done.append(cost) or scrypt(*given, **cost))
    work = {}
    for name in ("ann", "nobody"):
        accounts.admitted(name, "a wrong password")
        work[name] = [{key: cost[key] for key in ("n", "r", "p", "dklen")} for cost in done]
        done.clear()
    assert work["ann"] == work["nobody"] and len(work["ann"]) == 1 and work["ann"][0]["n"] == 2**12
