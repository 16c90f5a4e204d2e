"""`users`: accounts from the command line; a password is never one of its words."""

import io
import json

import pytest

from lora_trainer.accounts import Accounts, passwords, store
from lora_trainer.cli.main import SUCCESS, WRONG_USE, main

SECRET = "a long password"


@pytest.fixture
def users(monkeypatch, tmp_path, capsys):
    """Runs `users` with a password piped in; gives the exit code and the accounts that --json prints."""
    usual = store.Accounts.__init__
    cheap = passwords.Cost(2**4, 1, 1)
    monkeypatch.setattr(store.Accounts, "__init__", lambda self, folder: usual(self, folder, cheap))

    def run(*words, password=SECRET):
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        code = main(["users", *words, "--data", str(tmp_path), "--json"])
        last = json.loads(capsys.readouterr().out.splitlines()[-1])
        return code, {one["name"]: one["role"] for one in last.get("users", ())}

    return run


def test_the_first_user_is_an_admin_and_the_next_is_none(users, tmp_path):
    assert users("add", "ann") == (SUCCESS, {"ann": "admin"})
    assert users("add", "bob") == (SUCCESS, {"ann": "admin", "bob": "user"})
    assert Accounts(tmp_path / ".train-lora").admitted("bob", SECRET)


def test_users_change_and_go(users, tmp_path):
    users("add", "ann")
    users("add", "bob")
    assert users("role", "bob", "--role", "admin")[1]["bob"] == "admin"
    users("password", "bob", password="another password")
    assert Accounts(tmp_path / ".train-lora").admitted("bob", "another password")
    assert users("remove", "ann") == (SUCCESS, {"bob": "admin"})


@pytest.mark.parametrize("words", [("add",), ("role", "ann"), ("add", "ann", SECRET), ("king", "ann")])
def test_wrong_use_is_said(users, words):
    assert users(*words)[0] == WRONG_USE


def test_limits_are_set_and_kept(users, tmp_path):
    from lora_trainer.jobs.limits import Limits, LimitStore

    assert users("limits", "bob", "--jobs", "2", "--disk", "1.5")[0] == SUCCESS
    assert LimitStore(tmp_path / ".train-lora").of("bob") == Limits(jobs=2, disk=1.5)


def test_one_may_be_switched_off_and_on_and_all_of_it_is_noted(users, tmp_path):
    from lora_trainer.accounts import Audit

    users("add", "ann")
    users("add", "bob")
    assert users("disable", "bob")[0] == SUCCESS
    assert not Accounts(tmp_path / ".train-lora").admitted("bob", SECRET)
    users("enable", "bob")
    assert Accounts(tmp_path / ".train-lora").admitted("bob", SECRET)
    rows = Audit(tmp_path / ".train-lora").newest(9)
    assert [(one["what"], one["whom"]) for one in rows[:2]] == [("enable", "bob"), ("disable", "bob")]
