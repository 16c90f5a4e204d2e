import io
import time

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def finished(client, dataset, random_sd1, pictures, tmp_path_factory):
    """A run from Train to its end, over the routes."""
    from tests.runs import values

    nested = values(random_sd1, pictures, tmp_path_factory.mktemp("unused"), save__every=2, samples__every=2)
    del nested["base"], nested["data"]["folders"], nested["save"]["output"]
    nested["data"]["trigger_word"] = "zorb"
    begun = client.post("jobs", json={"values": nested, "dataset": dataset})
    assert begun.status_code == 200, begun.text
    return watched(client, begun.json()["id"])


def watched(client, job, *ends):
    """The job's summary at its end, and all events, read as a page reads them."""
    events, after, end = [], 0, time.monotonic() + 300
    while time.monotonic() < end:
        answer = client.get(f"jobs/{job}/events?after={after}&limit=3&wait=5").json()
        events, after = events + answer["events"], answer["next"]
        if answer["job"]["state"] in (ends or ("finished", "failed", "stopped")) and not answer["events"]:
            return answer["job"], events
    raise AssertionError(f"waited in vain: {answer}")


def test_a_run_is_told_event_by_event_without_gap_or_double(finished):
    job, events = finished
    assert (job["state"], job["step"], job["message"]) == ("finished", 4, None)
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))
    assert [event["step"] for event in events if event["kind"] == "step"] == [1, 2, 3, 4]


def test_saves_and_samples_are_fetched_by_their_addresses(client, finished):
    job, events = finished
    assert [save["file"] for save in job["saves"]] == ["zorb-step000002.safetensors", "zorb.safetensors"]
    download = client.get(job["saves"][0]["url"])
    assert len(download.content) == int(download.headers["content-length"]) > 10_000
    sample = next(event for event in events if event["kind"] == "sample")
    picture = client.get(sample["url"])
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (64, 64)


def test_the_curve_has_every_step_of_a_short_run(client, finished):
    curve = client.get(f"jobs/{finished[0]['id']}/curve?points=100").json()
    assert curve["steps"] == [1, 2, 3, 4] and len(curve["loss"]) == 4 and curve["rates"].keys() == {"unet"}


@pytest.fixture(scope="module")
def tried(client, finished):
    """A try-out of a save, drawn and scored."""
    asked = {"saves": ["zorb-step000002.safetensors"], "strengths": [0, 1], "prompts": ["a zorb", "a cat"], "steps": 2}
    body = {"job": finished[0]["id"], "width": 64, "height": 64, "seed": 5, **asked}
    tryout = client.post("tryouts", json=body).json()
    end = time.monotonic() + 300
    while tryout["state"] != "done" and time.monotonic() < end:
        time.sleep(0.05)
        tryout = client.get(f"tryouts/{tryout['id']}").json()
    return tryout


def test_a_try_out_streams_its_cells_and_the_best_is_kept(client, finished, tried):
    job, tryout = finished[0], tried
    assert [cell["strength"] for cell in tryout["cells"]] == [0, 1, 0, 1], tryout
    assert client.get(tryout["cells"][1]["url"]).content[:4] == b"\x89PNG"
    sheet = client.post(f"tryouts/{tryout['id']}/sheet").json()
    assert client.get(sheet["url"]).status_code == 200
    kept = client.post(f"jobs/{job['id']}/keep", json={"save": tryout["saves"][0], "strength": 0.5}).json()
    assert (kept["tag"], kept["trigger_word"]) == ("<lora:zorb:0.5>", "zorb")


def test_a_try_out_that_is_drawn_has_scores_and_a_proposal_which_the_run_keeps(client, finished, tried):
    verdict, proposal = tried["verdict"], tried["verdict"]["proposal"]
    assert tried["without_word"] == verdict["without_word"] == [1]
    assert verdict["scores"].keys() == {"3", "4"} and verdict["scores"]["3"]["change"] == 0
    assert (proposal["save"], proposal["step"]) == ("zorb-step000002.safetensors", 2)
    assert proposal["reasons"][0]["code"] == "proposal_last"
    assert client.get(f"jobs/{finished[0]['id']}/proposal").json()["proposal"] == proposal


def test_every_reader_finds_the_grid_that_the_run_s_end_began(client, finished):
    end = time.monotonic() + 300
    while (tryout := client.get(f"jobs/{finished[0]['id']}").json()["tryout"]) is None and time.monotonic() < end:
        time.sleep(0.05)
    grid = client.get(f"tryouts/{tryout}").json()
    usual = client.get(f"jobs/{finished[0]['id']}/usual-tryout").json()
    assert grid["strengths"] and usual["strengths"] == [0, 0.4, 0.6, 0.8, 1]
    assert usual["prompts"] == ["a zorb, number 0", "a zorb, number 1", "number 0"]


def test_the_grid_at_the_end_is_switched_off_over_the_routes(client):
    assert client.get("state").json()["habits"] == {"grid_at_end": True, "goes_on": False}
    assert client.put("habits", json={"grid_at_end": False}).json() == {"grid_at_end": False, "goes_on": False}
    assert client.put("habits", json={"goes_on": True}).json() == {"grid_at_end": False, "goes_on": True}
    assert client.get("state").json()["habits"] == {"grid_at_end": False, "goes_on": True}
    assert client.put("habits", json={"grid_at_end": 1}).status_code == 400
    client.put("habits", json={"grid_at_end": True, "goes_on": False})


def test_a_name_that_is_taken_is_asked_about(client, finished, dataset, run_values):
    answer = client.post("jobs", json={"values": run_values(), "dataset": dataset})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "lora_exists"


def test_a_finished_run_is_trained_further(client, finished):
    answer = client.post(f"jobs/{finished[0]['id']}/more", json={"steps": 2})
    assert answer.json()["total_steps"] == 6
    job, _ = watched(client, finished[0]["id"])
    assert (job["state"], job["step"]) == ("finished", 6)
    assert [save["step"] for save in job["saves"]] == [2, 4, 6]


def test_what_is_not_there_is_said(client):
    for path in ("jobs/nothing", "tryouts/nothing", "datasets/nothing"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.json()["error"]["text"], path
