"""Wrong tries cost time: at an account from anywhere, from an address at any account."""

import pytest

from lora_trainer.accounts.patience import FREE, MOST_SECONDS, Patience


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def patience(clock):
    return Patience(clock)


def fail(patience, names, addresses):
    return [patience.begin(name, address) for name, address in zip(names, addresses)]


def test_one_account_from_many_addresses(patience):
    assert fail(patience, ["ann"] * FREE, [f"10.0.0.{n}" for n in range(FREE)]) == [0.0] * FREE
    assert patience.begin("ANN", "10.9.9.9") > 0
    assert patience.begin("bob", "10.9.9.9") == 0


def test_many_accounts_from_one_address(patience):
    fail(patience, [f"u{n}" for n in range(FREE)], ["2001:db8::1"] * FREE)
    assert patience.begin("new", "2001:db8::2") > 0, "the same network"
    assert patience.begin("new", "2001:db9::1") == 0


def test_waits_grow_to_a_limit_and_are_forgotten(patience, clock):
    waits = []
    for _ in range(30):
        clock.now += waits[-1] if waits else 0
        wait = patience.begin("ann", "10.0.0.1")
        waits.append(wait if wait else 0.0)
        if not wait:
            waits[-1] = patience.begin("ann", "10.0.0.1")
    assert waits == sorted(waits) and waits[-1] == MOST_SECONDS["address"]
    clock.now += 3601
    assert patience.begin("ann", "10.0.0.1") == 0


def test_a_right_password_clears_the_account_but_not_the_tries_at_others(patience):
    fail(patience, ["ann", "bob", "bob", "bob"], ["10.0.0.1"] * 4)
    for _ in range(10):
        assert patience.begin("ann", "10.0.0.1") == 0
        patience.succeeded("ann", "10.0.0.1")
    patience.begin("bob", "10.0.0.1")
    assert patience.begin("ann", "10.0.0.1") > 0


def test_a_crowd_of_names_takes_no_memory(patience):
    for n in range(12_000):
        patience.begin(f"user{n}", f"10.{n % 250}.{n // 250}.1")
    assert len(patience._tries) <= 20_000
