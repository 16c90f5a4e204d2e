"""Everybody sees and steers their own, an admin all; what is others' is not there, whichever route is tried."""

import json
import re
import time
from types import SimpleNamespace

import pytest

from lora_trainer.api.mount import TABLES
from lora_trainer.notices import Notice
from lora_trainer.sentences import Sentence
from lora_trainer.visitor import USER, Visitor
from tests.api.people.begun import filled, line_up

ENTRIES = [entry for table in TABLES for entry in table]
NO_OWNERS = {"/vocabularies/{name}", "/people/{name}/limits", "/presets/{name}"}
"""Parts of paths in these are names of what is everybody's, or the asker's own by itself."""


def names(answer):
    return {one["name"] for one in answer.json()}


def test_lists_hold_one_s_own_and_for_an_admin_all_with_their_owners(ann, bob, root, pictures):
    line_up(ann, "hers", pictures)
    line_up(bob, "his", pictures)
    assert names(ann.get("jobs")) == names(ann.get("datasets")) == {"hers"}
    assert names(bob.get("jobs")) == names(bob.get("datasets")) == {"his"}
    assert {(one["name"], one["owner"]) for one in root.get("jobs").json()} == {("hers", "ann"), ("his", "bob")}
    assert {(one["name"], one["owner"]) for one in root.get("datasets").json()} == {("hers", "ann"), ("his", "bob")}


def test_the_state_tells_a_user_nothing_of_others_but_that_they_come_first(ann, bob, pictures):
    line_up(ann, "first", pictures)
    line_up(ann, "hers", pictures)
    line_up(bob, "his", pictures)
    state = bob.get("state").json()
    assert [one["name"] for one in state["line"]] in (["", "his"], ["", "", "his"])  # the first may run already
    assert [place["job"] for place in state["places"]] == [""]
    assert state["visitor"] == {"name": "bob", "role": "user"}
    assert "hers" not in json.dumps(state) and "ann" not in json.dumps(state["jobs"] + state["datasets"])
    assert state["current"] == bob.get("jobs").json()[0]["id"]


def test_every_route_with_another_s_id_answers_that_there_is_none(ann, bob, desk, pictures):
    job = line_up(ann, "hers", pictures)
    dataset = ann.get("datasets").json()[0]["id"]
    upload = ann.post(f"datasets/{dataset}/uploads", json={"name": "a.png", "size": 10}).json()["id"]
    ids = {"datasets": dataset, "jobs": job["id"], **others(desk, job["id"])}
    file = sorted(pictures.iterdir())[0].name
    told = {}
    for entry in [one for one in ENTRIES if "{" in one.path and not one.admin and one.path not in NO_OWNERS]:
        path = entry.path.replace("{id}", ids[entry.path.split("/")[1]]).replace("{upload}", upload)
        path = re.sub(r"\{\w+:path\}|\{file\}", file, path.replace("{n}", "1")).lstrip("/")
        assert "{" not in path
        body = None if entry.method == "GET" else b"{}"
        told[entry.method, entry.path] = bob.request(entry.method, path, content=body).status_code
    assert {where: status for where, status in told.items() if status != 404} == {}
    assert len(told) > 40
    assert ann.get(f"jobs/{job['id']}").json()["wish"] == "go on" and len(ann.get("datasets").json()) == 1


def others(desk, job_id):
    """Ids of what ann has begun beside her run; it fails the test when it is stopped."""
    owned = SimpleNamespace(
        owner="ann", job=desk.jobs.get(job_id), state="done", automatic=True, single=True, stop=pytest.fail
    )
    desk.tryouts._all["t"] = desk.captionings._all["c"] = owned
    desk.regularizations._all["r"] = desk.inquiries._all["i"] = owned
    return {"tryouts": "t", "history": job_id, "captionings": "c", "regularizations": "r", "inquiries": "i"}


@pytest.mark.parametrize("entry", [one for one in ENTRIES if one.admin], ids=lambda one: f"{one.method}{one.path}")
def test_what_concerns_everybody_is_the_admins(entry, bob):
    answer = bob.request(entry.method, entry.path.replace("{name}", "x").lstrip("/"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "admin_only")


def test_another_s_data_set_cannot_be_trained_on_by_its_id_or_its_path(ann, bob, desk, pictures):
    line_up(ann, "hers", pictures)
    theirs = ann.get("datasets").json()[0]
    values = {"save.name": "his", "steps": 4}
    assert bob.post("jobs", json={"dataset": theirs["id"], "values": values}).status_code == 404
    for path in (theirs["path"], str(desk.datasets.folder), str(desk.host.data_folder())):
        answer = bob.post("jobs", json={"values": {**values, "data.folders": [path]}})
        assert answer.status_code == 422 and answer.json()["problems"][0]["code"] == "path_not_allowed"
        assert bob.post("datasets", json={"path": path}).status_code == 400
    assert bob.get("jobs").json() == []


def test_a_user_orders_their_own_runs_and_passes_nobody(ann, bob, root, desk, pictures):
    line_up(root, "running", pictures)
    one, hers, two = (line_up(client, name, pictures) for client, name in ((bob, "one"), (ann, "hers"), (bob, "two")))
    assert bob.post(f"jobs/{two['id']}/move", json={"before": one["id"]}).status_code == 200
    assert [job.record.name for job in desk.jobs.line()][-3:] == ["two", "hers", "one"]
    assert bob.post(f"jobs/{one['id']}/move", json={"before": hers["id"]}).status_code == 404
    answer = bob.post(f"jobs/{one['id']}/priority", json={"priority": 5})
    assert answer.json()["error"]["code"] == "priority_of_admins"
    assert root.post(f"jobs/{one['id']}/priority", json={"priority": 5}).status_code == 200


def test_a_lora_that_another_has_published_is_not_replaced(bob, root, desk, pictures):
    published = desk.host.lora_folder() / "face.safetensors"
    published.parent.mkdir(parents=True)
    published.write_bytes(b"")
    for client, status in ((bob, 409), (root, 200)):
        dataset = filled(client, "some", pictures)
        wish = {"dataset": dataset, "values": {"save.name": "face", "steps": 4}, "replace": True}
        assert client.post("jobs", json=wish).status_code == status


def test_presets_are_one_s_own_and_those_of_admins_everybody_s(ann, bob, root):
    for client, title in ((ann, "hers"), (bob, "his"), (root, "house")):
        assert client.post("presets", json={"title": title, "why": "why", "values": {"steps": 7}}).status_code == 200
    mine = names(ann.get("presets"))
    assert {"hers", "house"} <= mine and "his" not in mine
    assert ann.get("presets/his").status_code == ann.delete("presets/house").status_code == 404
    assert ann.delete("presets/hers").status_code == root.delete("presets/house").status_code == 200


def test_without_names_everybody_is_the_same(desk):
    assert desk.seen_by(Visitor()) is desk
    assert not Visitor("", USER).may_see("")


def test_a_data_set_s_owner_goes_with_it_and_a_new_one_of_its_name_is_another_s(ann, bob):
    made = ann.post("datasets", json={"name": "cats"}).json()["id"]
    renamed = ann.put(f"datasets/{made}/name", json={"name": "dogs"}).json()["id"]
    assert names(ann.get("datasets")) == {"dogs"} and bob.get(f"datasets/{renamed}").status_code == 404
    assert ann.delete(f"datasets/{renamed}").status_code == 200
    assert bob.post("datasets", json={"name": "dogs"}).json()["id"] == renamed
    assert names(bob.get("datasets")) == {"dogs"} and ann.get("datasets").json() == []


def test_a_folder_that_two_have_opened_is_both_s(ann, bob, desk, pictures):
    first = ann.post("datasets", json={"path": str(pictures)}).json()
    assert bob.post("datasets", json={"path": str(pictures)}).json() == first
    assert ann.delete(f"datasets/{first['id']}").status_code == 200
    assert ann.get("datasets").json() == [] and len(bob.get("datasets").json()) == 1


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        ("tryouts", "job"),
        ("captionings", "dataset"),
        ("regularizations", "dataset"),
        ("regularizations/usual", "dataset"),
        ("recommend", "dataset"),
        ("estimate", "dataset"),
        ("probes", "dataset"),
        ("fits", "dataset"),
    ],
)
def test_another_s_id_in_a_body_is_as_good_as_none(route, kind, ann, bob, desk):
    id = ann.post("datasets", json={"name": "hers"}).json()["id"] if kind == "dataset" else "nothing"
    assert bob.post(route, json={kind: id, "prompts": ["x"]}).status_code == 404


def test_an_admin_looks_through_everybody_s_samples_and_hides_or_deletes_them(ann, bob, root, desk, pictures):
    job = desk.jobs.get(line_up(ann, "hers", pictures)["id"])
    job.folder.samples.mkdir(parents=True, exist_ok=True)
    for file in ("a.png", "b.png"):
        (job.folder.samples / file).write_bytes(b"\x89PNG")
    job.change(samples=("a.png", "b.png"))
    assert [(one["owner"], one["file"]) for one in root.get("samples").json()["samples"]] == [
        ("ann", "b.png"),
        ("ann", "a.png"),
    ]
    url = f"jobs/{job.id}/samples/a.png"
    assert ann.put(f"{url}/hidden", json={}).status_code == ann.get("samples").status_code == 403
    assert root.put(f"{url}/hidden", json={"hidden": True}).json() == {"hidden": ["a.png"]}
    assert (ann.get(url).status_code, root.get(url).status_code, bob.get(url).status_code) == (404, 200, 404)
    root.put(f"{url}/hidden", json={"hidden": False})
    assert ann.get(url).status_code == 200
    assert root.delete(url).status_code == 200 and not (job.folder.samples / "a.png").exists()
    assert job.record.samples == ("b.png",) and root.delete(f"jobs/{job.id}/samples/..%2fa").status_code == 404


@pytest.mark.parametrize("place", ["cats", "priors"])
def test_a_run_does_not_go_on_with_pictures_that_another_has_put_in_the_place_of_its_own(
    ann, bob, runner, desk, pictures, place
):
    job = line_up_with_priors(ann, pictures)
    runner.go.set()
    wait_for(lambda: desk.jobs.get(job).state == "finished")
    desk.jobs.get(job).change(state="queued")
    desk.jobs.get(job).change(state="stopped")
    assert ann.delete(f"datasets/{ids(ann)[place]}").status_code == 200
    filled(bob, place, pictures)
    assert (
        ann.post(f"jobs/{job}/resume").status_code == ann.post(f"jobs/{job}/more", json={"steps": 1}).status_code == 404
    )


def test_every_data_set_of_a_run_that_waits_stays_where_it_is(ann, pictures):
    line_up_with_priors(ann, pictures)
    for name in ("cats", "priors"):
        refused = ann.delete(f"datasets/{ids(ann)[name]}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "dataset_in_use")


def line_up_with_priors(client, pictures):
    """A run on 'cats', with the pictures of 'priors' for regularization; its id."""
    filled(client, "priors", pictures)
    path = next(one["path"] for one in client.get("datasets").json() if one["name"] == "priors")
    folders = {"data.folders": [{"path": path, "regularization": True}]}
    values = {"save.name": "cats", "steps": 4, **folders}
    answer = client.post("jobs", json={"dataset": filled(client, "cats", pictures), "values": values})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


def ids(client):
    return {one["name"]: one["id"] for one in client.get("datasets").json()}


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_notices_tell_of_one_s_own_runs_and_the_channels_are_the_admins(desk, ann, bob, root, pictures):
    hers = line_up(ann, "hers", pictures)
    facts = ({"job": hers["id"]}, {"jobs": [hers["id"]]}, {"jobs": [hers["id"], "another"]}, {"finished": 2})
    for one in facts:
        desk.notices.tell(Notice("finished", Sentence("notice_empty", "Nothing waits."), facts=one))
    told = {name: len(client.get("state").json()["notices"]) for name, client in (("ann", ann), ("bob", bob))}
    assert told == {"ann": 2, "bob": 0} and len(root.get("state").json()["notices"]) == 4
    assert (ann.get("notices").status_code, root.get("notices").status_code) == (403, 200)
