"""The client drives a server over the network, and neither loses nor doubles anything when connections break."""

import hashlib
import itertools

import pytest
from starlette.applications import Starlette

from lora_trainer.accounts import Accounts
from lora_trainer.accounts.passwords import Cost
from lora_trainer.api import add_routes
from lora_trainer.client import Client, ServerRefused, Unreachable, WrongOptions
from lora_trainer.errors import ConfigError
from lora_trainer.extension.guard import Guard
from lora_trainer.jobs.feed import Feed
from lora_trainer.jobs.tryout_request import TriedCell
from lora_trainer.visitor import ADMIN, USER
from tests.api.house import ENDLESS
from tests.client.serving import Breaking, application, served
from tests.datasets.conftest import picture
from tests.jobs.conftest import wait_for

PASSWORD = "correct horse battery"


def begun(client, pictures, name="my_cat", steps=30):
    dataset = client.datasets.make("cats", pictures)
    return client.jobs.begin({"save.name": name, "steps": steps}, dataset["id"])


def test_pictures_go_up_a_run_is_watched_and_its_file_comes_down(client, pictures, tmp_path):
    job = begun(client, pictures)
    events = [*client.jobs.events(job["id"])]
    assert [event["n"] for event in events] == [*range(1, len(events) + 1)]
    assert [event["step"] for event in events if event["kind"] == "step"] == [*range(1, 31)]
    (saved,) = [event for event in events if event["kind"] == "saved"]
    file = tmp_path / "here" / "my_cat.safetensors"
    client.jobs.download(job["id"], saved["path"], file)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == saved["sha256"]
    assert client.jobs.publish(job["id"], saved["path"], strength=0.8)["tag"] == "<lora:my_cat:0.8>"
    assert client.jobs.find("my_cat")["state"] == "finished" and client.state()["jobs"][0]["id"] == job["id"]
    assert len(client.datasets.items(job["dataset"])["items"]) == 4


def test_captions_are_read_and_written_unless_they_have_changed_meanwhile(client, pictures):
    made = client.datasets.make("cats", pictures)["id"]
    before = client.datasets.captions(made)
    name = next(iter(before))
    assert client.datasets.set_captions(made, {name: "new"}, before)["written"] == [name]
    conflict = client.datasets.set_captions(made, {name: "newer"}, before)["conflicts"]
    assert [(one["name"], one["now"]) for one in conflict] == [(name, "new")]
    assert client.datasets.add_bytes(made, "more.png", picture())["added"] == ["more.png"]
    client.datasets.delete(made)
    assert client.datasets.find("cats") is None


def test_every_control_reaches_its_run(client, pictures):
    job = begun(client, pictures, ENDLESS)["id"]
    wait_for(lambda: client.jobs.get(job)["step"] > 0, 90)
    client.jobs.pause(job)
    wait_for(lambda: client.jobs.get(job)["state"] == "paused", 90)
    client.jobs.resume(job)
    wait_for(lambda: client.jobs.get(job)["state"] == "running", 90)
    clone = client.jobs.clone(job, {"save.name": "second"})["id"]
    assert client.jobs.prefer(clone, -1)["priority"] == -1
    client.jobs.stop_and_save(job)
    assert [*client.jobs.events(clone)][-1]["kind"] == "finished"
    assert client.jobs.get(job)["state"] == "stopped" and client.jobs.get(job)["saves"]
    client.jobs.delete(job)
    with pytest.raises(ServerRefused) as refused:
        client.jobs.get(job)
    assert (refused.value.status, refused.value.code) == (404, "no_job")


def test_wrong_options_are_told_one_by_one_in_the_server_s_words(client, pictures):
    with pytest.raises(WrongOptions) as wrong:
        begun(client, pictures, name="x", steps=-1)
    assert [problem.code for problem in wrong.value.problems] == ["option_bounds"]


@pytest.mark.parametrize("every", [2, 3])
def test_over_connections_that_break_nothing_is_lost_or_doubled(desk, pictures, tmp_path, hasty, every):
    breaking = Breaking(application(desk), every)
    with served(breaking) as url:
        client = Client(url)
        made = desk.datasets.create("cats").id
        content = pictures / "0.png"
        while not desk.datasets.get(made).count:
            try:
                client.datasets.add(made, content)
            except Unreachable:  # the announcement itself is not made twice by itself
                continue
        job = desk.submit({"save.name": "my_cat", "steps": 200}, made)
        events = [*client.jobs.events(job.id)]
        assert [event["step"] for event in events if event["kind"] == "step"] == [*range(1, 201)]
        assert [event["n"] for event in events] == [*range(1, len(events) + 1)]
        client.jobs.download(job.id, "my_cat.safetensors", tmp_path / "my_cat.safetensors")
        assert (tmp_path / "my_cat.safetensors").read_bytes() == job.folder.lora.read_bytes()
        assert breaking.broken > 2 and [one.name for one in tmp_path.glob("*.safetensors")] == ["my_cat.safetensors"]


def test_after_a_start_of_the_server_events_are_not_told_twice(client, desk, pictures):
    job = desk.jobs.get(begun(client, pictures, ENDLESS)["id"])
    wait_for(lambda: job.record.step > 20, 90)
    told = client.jobs.events(job.id)
    first = [*itertools.islice(told, 15)]
    job.pause()
    wait_for(lambda: job.state == "paused", 90)
    kept = [event for _, event in job.feed.after(0, 10_000)]
    job.feed = Feed(lambda: kept[1:])  # the first is no more, all others have other numbers
    job.stop()
    steps = [event["step"] for event in [*first, *told] if event["kind"] == "step"]
    assert steps == [event.step for event in kept if event.kind == "step"]


def test_a_file_that_is_damaged_on_its_way_is_not_kept(desk, client, pictures, tmp_path, monkeypatch):
    from lora_trainer.api import files

    job = begun(client, pictures)
    list(client.jobs.events(job["id"]))
    monkeypatch.setattr(files, "_hash_of", lambda *_: "0" * 64)
    with pytest.raises(Exception, match="damaged"):
        client.jobs.download(job["id"], "my_cat.safetensors", tmp_path / "my_cat.safetensors")
    assert not [*tmp_path.glob("*cat*")]


def test_a_standalone_server_gives_a_token_which_is_renewed_and_made_anew(desk, tmp_path):
    pytest.importorskip("jwt")
    accounts = Accounts(tmp_path / "accounts", Cost(2**4, 1, 1))
    accounts.add("ann", PASSWORD, ADMIN)
    with served(application(desk, accounts)) as url:
        with pytest.raises(ServerRefused, match="Sign in"):
            Client(url).state()
        with pytest.raises(ServerRefused, match="wrong"):
            Client(url, "ann", "wrong password").state()
        client = Client(url, "ann", PASSWORD)
        assert client.visitor() == {"name": "ann", "role": "admin"}
        client.server._renew_at = 0.0
        assert client.visitor()["name"] == "ann" and client.server._renew_at > 0.0
        accounts.set_password("ann", PASSWORD + "!")
        client.server._password = PASSWORD + "!"
        assert client.visitor()["name"] == "ann"
        last = client.server._token
        client.sign_out()
        with pytest.raises(ServerRefused, match="Sign in"):
            Client(url, token=last).visitor()


def test_a_web_ui_takes_name_and_password_of_its_own_login(desk):
    app = Starlette()
    app.auth = None
    add_routes(app, desk, Guard(app, {"ann": PASSWORD, "bob": PASSWORD}))
    with served(app) as url:
        assert Client(url, "ann", PASSWORD).visitor() == {"name": "ann", "role": ADMIN}
        assert Client(url, "bob", PASSWORD).visitor() == {"name": "bob", "role": USER}
        with pytest.raises(ServerRefused, match="Sign in"):
            Client(url, "ann", "other").visitor()


def test_what_is_no_server_is_said(tmp_path):
    with pytest.raises(ConfigError, match="no address"):
        Client("ftp://somewhere")
    with pytest.raises(Unreachable, match="cannot be reached"):
        Client("http://127.0.0.1:9").state()
    with served(Starlette()) as url, pytest.raises(ServerRefused, match="does not answer as Train LoRA"):
        Client(url).state()


def test_saves_are_tried_out_and_their_pictures_fetched(client, desk, pictures):
    job = begun(client, pictures)["id"]
    list(client.jobs.events(job))
    begun(client, pictures, ENDLESS)  # it has the model, so that nothing is drawn
    wait_for(lambda: desk.jobs.turn.holder is not None, 90)
    tryout = client.tryouts.begin(job, ["my_cat.safetensors"], [0, 1], ["a cat"], seed=1)
    assert (tryout["state"], tryout["total"], tryout["seed"]) == ("waiting", 2, 1)
    drawn = desk.tryouts.get(tryout["id"])
    drawn.folder.mkdir(parents=True, exist_ok=True)
    (drawn.folder / "1.png").write_bytes(picture())
    drawn.steps = {"my_cat.safetensors": 30}
    drawn.cells.append(TriedCell(1, "my_cat.safetensors", 1.0, 0, drawn.folder / "1.png"))
    (cell,) = client.tryouts.get(tryout["id"])["cells"]
    assert client.tryouts.picture(cell) == picture()
    client.tryouts.stop(tryout["id"])
    assert client.tryouts.wait(tryout["id"], every=0.01)["state"] == "stopped"


def test_what_a_run_would_be_is_asked_before_it_is_begun(client, pictures):
    made = client.datasets.make("cats", pictures)["id"]
    values = {"save.name": "x", "steps": 5}
    assert client.check(values, made)["summary"]["steps"] == 5
    assert client.check({**values, "steps": -1}, made)["problems"][0]["path"] == "steps"
    assert client.recommend(made, "style", kept=["steps"])["reasons"]
    assert {"sd1-style", "sdxl-style"} <= {preset["name"] for preset in client.presets()}
    assert client.options()["sections"] and client.usage()["used"]["jobs"] == 0
