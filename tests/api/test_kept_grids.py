"""The morning after: the program was started anew, and the grid that a run's end began in the night is asked for."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from lora_trainer.visitor import USER, Visitor
from tests.jobs.conftest import wait_for, wait_until
from tests.jobs.light import SAVES, PaintingHost, Saving

QUICK = {"samples.prompts": ["a zorb"], "samples.width": 64, "samples.height": 64}


def begun(host):
    desk = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=Saving()))
    app = Starlette()
    add_routes(app, desk, lambda request: Visitor(request.headers["x-name"], USER))
    return desk, lambda name: TestClient(app, base_url=f"http://testserver{PREFIX}", headers={"x-name": name})


def ended(desk):
    desk.tryouts.close()
    desk.meter.close()
    desk.jobs.close()


@pytest.fixture
def night(tmp_path):
    """The host and, of a run of ann's, what its grid looked like when it was drawn."""
    host = PaintingHost(tmp_path)
    desk, client = begun(host)
    job = wait_until(desk.jobs.submit(host.config(data__trigger_word="zorb", **QUICK), owner="ann"), "finished")
    wait_for(lambda: job.record.tryout)
    url = f"tryouts/{job.record.tryout}"
    wait_for(lambda: client("ann").get(url).json()["state"] == "done")
    told = client("ann").get(url).json()
    ended(desk)
    return host, job.id, url, told


@pytest.fixture
def morning(night):
    """A client of the next program for each name, and its desk."""
    desk, client = begun(night[0])
    yield client, desk
    ended(desk)


def test_the_page_is_told_the_same_of_the_grid_as_in_the_night(night, morning):
    _, job, url, before = night
    ann = morning[0]("ann")
    assert before["automatic"] and before["verdict"]["scores"] and before["verdict"]["proposal"]["save"] in SAVES
    assert ann.get(url).json() == before and ann.get(f"jobs/{job}").json()["tryout"] == before["id"]
    assert [cell["n"] for cell in ann.get(f"{url}?after=18").json()["cells"]] == [19, 20]
    assert ann.post(f"{url}/stop").json()["state"] == "done"


def test_pictures_and_sheet_are_there_and_a_save_is_kept_with_its_picture(night, morning):
    host, job, url, before = night
    ann = morning[0]("ann")
    picture = ann.get(before["cells"][-1]["url"]).content
    assert picture[:4] == b"\x89PNG" and ann.get(f"{url}/sheet.png").status_code == 404
    assert ann.get(ann.post(f"{url}/sheet").json()["url"]).content[:4] == b"\x89PNG"
    kept = ann.post(f"jobs/{job}/keep", json={"save": SAVES[1], "strength": 1.0}).json()
    assert (
        kept["tag"] == "<lora:zorb:1>"
        and host.cards[-1].preview.read_bytes() == ann.get(before["cells"][9]["url"]).content
    )


def test_another_s_grid_is_not_there(night, morning):
    _, _, url, before = night
    bob = morning[0]("bob")
    addresses = [("GET", url), ("GET", before["cells"][0]["url"]), ("POST", f"{url}/sheet"), ("POST", f"{url}/stop")]
    assert {bob.request(*address).status_code for address in addresses} == {404}


def test_of_pictures_that_are_gone_nothing_is_shown_and_the_rest_is(night, morning):
    _, job, url, before = night
    client, desk = morning
    folder = desk.jobs.get(job).folder.path / url
    (folder / "0001.png").unlink()
    (folder / "0002.png").write_bytes(b"")
    shown = [cell["n"] for cell in client("ann").get(url).json()["cells"]]
    assert shown == [*range(3, 21)]
    (folder / "0003.png").unlink()
    assert client("ann").get(before["cells"][2]["url"]).status_code == 404
    assert client("ann").post(f"{url}/sheet").status_code == 200


def test_a_list_of_past_runs_opens_no_grid(night, morning, monkeypatch):
    monkeypatch.setattr("lora_trainer.jobs.tryouts.kept_grid", pytest.fail)
    assert [run["id"] for run in morning[0]("ann").get("history").json()["runs"]] == [night[1]]
