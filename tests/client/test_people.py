"""The client's part for admins: accounts, limits, everybody's samples, and channels of notices."""

import pytest

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.client import Client, ServerRefused
from lora_trainer.visitor import ADMIN
from tests.client.serving import application, served
from tests.client.test_client import PASSWORD, begun
from tests.notices.servers import web_server

pytest.importorskip("jwt")
SECRET = "s3cret"


@pytest.fixture
def address(desk, tmp_path):
    desk.accounts = Accounts(tmp_path / "accounts", Cost(2**4, 1, 1))
    desk.accounts.add("root", PASSWORD, ADMIN)
    with served(application(desk, desk.accounts)) as url:
        yield url


@pytest.fixture
def root(address):
    return Client(address, "root", PASSWORD)


@pytest.fixture
def ann(address, root):
    root.people.add("ann", PASSWORD)
    return Client(address, "ann", PASSWORD)


def test_accounts_are_made_changed_and_removed(address, root, ann):
    assert ann.visitor() == {"name": "ann", "role": "user"}
    assert root.people.change("ann", role="admin")["role"] == "admin"
    assert [one["name"] for one in ann.people.overview()["people"]] == ["ann", "root"]
    root.people.change("ann", disabled=True)
    with pytest.raises(ServerRefused):
        ann.visitor()
    root.people.change("ann", disabled=False, password=PASSWORD + "!")
    assert Client(address, "ann", PASSWORD + "!").visitor()["name"] == "ann"
    root.people.remove("ann")
    assert [row["what"] for row in root.people.audit()][::-1] == [
        "add",
        "role",
        "disable",
        "password",
        "enable",
        "remove",
    ]


def test_one_s_own_password_is_changed_and_used_from_then_on(address, ann):
    ann.visitor()
    by_token = Client(address, token=ann.server._token)
    ann.people.set_own_password(PASSWORD, PASSWORD + "!")
    assert ann.visitor()["name"] == "ann"
    with pytest.raises(ServerRefused, match="Sign in"):
        by_token.visitor()
    with pytest.raises(ServerRefused, match="old password"):
        ann.people.set_own_password(PASSWORD, PASSWORD + "?")


def test_limits_hold_until_they_are_dropped(root, ann, pictures):
    assert root.people.set_limits(runs=7)["limits"]["runs"] == 7
    assert root.people.set_limits("ann", runs=1, disk=0.5)["own_limits"]
    begun(ann, pictures, "first")
    assert ann.usage()["used"]["runs"] == 1
    with pytest.raises(ServerRefused, match="1 runs a month"):
        begun(ann, pictures, "second")
    assert root.people.drop_limits("ann")["limits"] == {"jobs": 0, "disk": 0.0, "hours": 0.0, "runs": 7}
    begun(ann, pictures, "second")


def test_an_admin_looks_through_all_samples_and_hides_one(root, ann, pictures):
    run = begun(ann, pictures)["id"]
    list(ann.jobs.events(run))
    (sample,) = root.people.samples()["samples"]
    assert (sample["owner"], sample["job"]) == ("ann", run) and ann.picture(sample["url"])
    root.people.hide_sample(run, sample["file"])
    with pytest.raises(ServerRefused, match="hidden"):
        ann.picture(sample["url"])
    assert root.picture(sample["url"])
    assert root.people.hide_sample(run, sample["file"], hidden=False) == {"hidden": []}
    assert ann.picture(sample["url"])


@pytest.mark.parametrize("ask", ["overview", "audit", "samples"])
def test_what_is_the_admins_is_refused_to_others(ann, ask):
    with pytest.raises(ServerRefused) as refused:
        getattr(ann.people, ask)()
    assert refused.value.status == 403


def test_channels_are_set_up_tried_changed_and_forgotten(root):
    with web_server() as (there, posted):
        made = root.notices.add("webhook", {"url": f"{there}/{SECRET}"}, name="phone")
        assert root.notices.test(made["id"])["ok"] and len(posted) == 1
    changed = root.notices.change(made["id"], when=["failed"])
    assert (changed["name"], changed["when"], changed["on"]) == ("phone", ["failed"], True)
    (listed,) = root.notices.overview()["channels"]
    assert listed["outcome"]["ok"] and SECRET not in str(listed)
    root.notices.remove(made["id"])
    assert root.notices.overview()["channels"] == []
