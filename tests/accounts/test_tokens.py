"""Tokens are good for whom they were signed, for a while; nothing else is one."""

import time

import pytest

from lora_trainer.accounts import Accounts, tokens
from lora_trainer.accounts.tokens import GOOD_FOR, LONGEST, Tokens
from tests.accounts.test_accounts import CHEAP, SECRET

jwt = pytest.importorskip("jwt", reason="hosts sign people in themselves")


@pytest.fixture
def accounts(tmp_path):
    made = Accounts(tmp_path, CHEAP)
    made.add("ann", SECRET, "admin")
    return made


@pytest.fixture
def signer(accounts):
    return Tokens(accounts)


@pytest.fixture
def later(monkeypatch):
    """Lets the tokens' clock be ahead of what it was when they were signed."""
    now = time.time()
    return lambda seconds: monkeypatch.setattr(tokens.time, "time", lambda: now + seconds)


def test_a_token_says_who_it_was_signed_for(accounts, signer):
    assert signer.read(signer.sign(accounts.get("ann"))).account.name == "ann"


def forged(accounts, key=None, algorithm="HS256", **claims):
    now = int(time.time())
    good = {"sub": "ann", "ver": accounts.get("ann").version, "sid": "x", "since": now, "iat": now, "exp": now + 60}
    made = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode(made, accounts.key() if key is None else key, algorithm)


def test_what_is_forged_here_would_be_good_if_nothing_were_wrong(accounts, signer):
    assert signer.read(forged(accounts))


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": b"x" * 32},
        {"key": "", "algorithm": "none"},
        {"algorithm": "HS512"},
        {"exp": 1},
        {"exp": None},
        {"sub": None},
        {"sub": "nobody"},
        {"ver": 1},
        {"ver": None},
        {"sid": None},
        {"iat": None},
        {"iat": 9_999_999_999},
    ],
    ids=str,
)
def test_what_is_forged_or_late_is_none(accounts, signer, wrong):
    assert signer.read(forged(accounts, **wrong)) is None


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "." * 5, "é.é.é", "\0", "x" * 10_000])
def test_what_is_garbled_is_none(signer, text):
    assert signer.read(text) is None


def test_a_changed_letter_is_noticed(accounts, signer):
    head, claims, signature = signer.sign(accounts.get("ann")).split(".")
    assert signer.read(f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}") is None
    assert signer.read(f"{head}.{claims}.") is None


@pytest.mark.parametrize("change", ["password", "removal", "account of the same name"])
def test_a_token_ends_with_what_it_was_given_for(accounts, signer, change):
    text = signer.sign(accounts.get("ann"))
    accounts.add("root", SECRET, "admin")
    if change == "password":
        accounts.set_password("ann", "another password")
    else:
        accounts.remove("ann")
    if change == "account of the same name":
        accounts.add("ann", SECRET)
    assert signer.read(text) is None


def test_a_role_that_is_taken_is_taken_from_tokens_too(accounts, signer):
    text = signer.sign(accounts.get("ann"))
    accounts.add("root", SECRET, "admin")
    accounts.set_role("ann", "user")
    assert signer.read(text).account.role == "user"


def test_a_session_goes_on_while_it_is_used_but_not_for_ever(accounts, signer, later):
    first = signer.read(signer.sign(accounts.get("ann")))
    assert not first.is_due
    later(GOOD_FOR - 60)
    assert first.is_due
    later(LONGEST - 60)
    claims = jwt.decode(signer.sign(accounts.get("ann"), first), options={"verify_signature": False})
    assert claims["exp"] == first.since + LONGEST and claims["sid"] == first.session


def test_after_a_sign_out_no_token_of_the_session_is_good(accounts, signer):
    text = signer.sign(accounts.get("ann"))
    token = signer.read(text)
    renewed, other = signer.sign(token.account, token), signer.sign(token.account)
    signer.end(token)
    assert signer.read(text) is None and signer.read(renewed) is None and signer.read(other)
