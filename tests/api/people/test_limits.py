"""Nobody takes more than an admin allows; what is refused says the limit and what is used."""

import io
import zipfile
import zlib

import pytest

from tests.api.people.begun import filled, line_up
from tests.jobs.conftest import wait_for


def error(answer):
    assert answer.status_code == 400, answer.text
    return answer.json()["error"]


def begin(client, dataset, name="more"):
    return client.post("jobs", json={"dataset": dataset, "values": {"save.name": name, "steps": 4}})


def test_runs_in_line_are_limited_and_one_that_ends_makes_room(bob, root, pictures):
    assert root.put("people/bob/limits", json={"jobs": 1}).json()["limits"]["jobs"] == 1
    first = line_up(bob, "first", pictures)
    dataset = bob.get("datasets").json()[0]["id"]
    refusal = error(begin(bob, dataset))
    assert refusal["code"] == "limit_jobs" and refusal["values"] == {"limit": 1, "used": 1}
    bob.delete(f"jobs/{first['id']}")
    bob.post(f"jobs/{first['id']}/stop")
    assert bob.get("usage").json()["limits"]["jobs"] == 1


def test_runs_of_a_month_count_also_when_they_are_deleted(bob, root, runner, desk, pictures):
    root.put("people/*/limits", json={"runs": 1})
    first = line_up(bob, "first", pictures)
    runner.go.set()
    wait_until(lambda: desk.jobs.get(first["id"]).state == "finished")
    wait_until(lambda: bob.delete(f"jobs/{first['id']}").status_code == 200)
    assert error(begin(bob, bob.get("datasets").json()[0]["id"]))["code"] == "limit_runs"
    assert bob.get("usage").json()["used"]["runs"] == 1


def test_a_run_s_time_on_the_model_is_counted_and_limited(bob, root, desk, pictures):
    desk.limiter.store.count("bob", seconds=7200)
    root.put("people/bob/limits", json={"hours": 2})
    refusal = error(begin(bob, filled(bob, "some", pictures)))
    assert (refusal["code"], refusal["values"]) == ("limit_hours", {"limit": "2", "used": "2.0"})


def test_the_disk_is_limited_for_pictures_and_runs(bob, root, desk, pictures):
    root.put("people/bob/limits", json={"disk": 1e-6})
    made = bob.post("datasets", json={"name": "some"}).json()["id"]
    file = sorted(pictures.iterdir())[0]
    answer = bob.put(f"datasets/{made}/files/{file.name}", content=b"x" * 2000)
    assert error(answer)["code"] == "limit_disk"
    assert error(bob.post(f"datasets/{made}/uploads", json={"name": "a.png", "size": 5000}))["code"] == "limit_disk"
    assert bob.get("usage").json()["used"]["disk"] == 0


@pytest.mark.parametrize("limits", [{"jobs": -1}, {"jobs": 1.5}, {"runs": True}, {"disk": "1"}, {"speed": 1}])
def test_what_is_no_limit_is_a_sentence(root, limits):
    assert error(root.put("people/bob/limits", json=limits))["code"] == "no_limit"


def test_an_admin_sees_what_is_in_use_and_by_whom(bob, root, pictures):
    job = line_up(bob, "his", pictures)
    told = root.get("people").json()
    assert [(one["name"], one["under_way"], one["used"]["jobs"]) for one in told["people"]] == [("bob", [job["id"]], 1)]
    assert told["disk_free"] > 0 and bob.get("people").status_code == 403


def wait_until(condition):
    import time

    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_run_whose_owner_has_no_time_left_at_its_turn_rests_and_says_why(bob, root, runner, desk, pictures):
    line_up(root, "first", pictures)
    job = desk.jobs.get(line_up(bob, "second", pictures)["id"])
    root.put("people/bob/limits", json={"hours": 1})
    desk.limiter.store.count("bob", seconds=3600)
    runner.go.set()
    wait_until(lambda: job.state == "paused")
    assert job.record.message.code == "hours_used_up"
    assert error(bob.post(f"jobs/{job.id}/resume"))["code"] == "limit_hours"


def test_a_zip_counts_as_what_comes_out_of_it(bob, root, desk):
    root.put("people/bob/limits", json={"disk": 1e-4})
    made = bob.post("datasets", json={"name": "some"}).json()["id"]
    packed = zipped({"1.txt": b"a cat " * 50_000})
    (refused,) = bob.put(f"datasets/{made}/files/cats.zip", content=packed).json()["refused"]
    assert refused["code"] == "zip_room" and not desk.datasets.get(made).captions()
    assert in_one_part(bob, made, "cats.zip", packed)["refused"][0]["code"] == "zip_room"
    root.put("people/bob/limits", json={"disk": 1})
    assert in_one_part(bob, made, "cats.zip", packed)["added"] == ["1.txt"]


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def in_one_part(client, dataset, name, content):
    """Upload a file; what became of it."""
    uploads = f"datasets/{dataset}/uploads"
    where = f"{uploads}/{client.post(uploads, json={'name': name, 'size': len(content)}).json()['id']}"
    assert client.put(f"{where}?offset=0&crc32={zlib.crc32(content):08x}", content=content).status_code == 200
    client.post(f"{where}/finish")
    wait_for(lambda: client.get(where).json()["result"], 15)
    return client.get(where).json()["result"]


def test_nobody_takes_all_places_for_files_on_their_way(ann, bob, monkeypatch):
    monkeypatch.setattr("lora_trainer.datasets.uploads.MOST_OF_ONE", 2)
    made = {client: client.post("datasets", json={"name": "zorb"}).json()["id"] for client in (ann, bob)}
    wish = {"name": "a.png", "size": 10}
    assert [ann.post(f"datasets/{made[ann]}/uploads", json=wish).status_code for _ in range(2)] == [200, 200]
    assert error(ann.post(f"datasets/{made[ann]}/uploads", json=wish))["code"] == "uploads_own_many"
    assert bob.post(f"datasets/{made[bob]}/uploads", json=wish).status_code == 200


def test_uploads_that_are_begun_count_before_they_have_come(bob, root, desk, monkeypatch):
    from lora_trainer.jobs import space

    root.put("people/bob/limits", json={"disk": 1e-5})
    made = bob.post("datasets", json={"name": "some"}).json()["id"]
    wish = {"name": "a.png", "size": 6000}
    assert bob.post(f"datasets/{made}/uploads", json=wish).status_code == 200
    assert error(bob.post(f"datasets/{made}/uploads", json=wish))["code"] == "limit_disk"
    monkeypatch.setattr(space, "KEPT_SECONDS", 0.0)
    assert error(bob.post(f"datasets/{made}/uploads", json=wish))["code"] == "limit_disk"
