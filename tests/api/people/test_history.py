"""The history over the routes: everybody's own, and an admin's of all."""

import json
import time

import pytest

from tests.api.people.begun import line_up
from tests.history.made import drawn, made


@pytest.fixture
def past(desk, runner, pictures):
    """Begins a run that ends at once, and leaves behind what a real one would; its id."""
    runner.go.set()

    def make(client, name, **options):
        job = desk.jobs.get(line_up(client, name, pictures)["id"])
        end = time.monotonic() + 60
        while job.state != "finished":
            assert time.monotonic() < end
            time.sleep(0.01)
        place = made(job.folder.output, name, **options)
        job.change(samples=tuple(sorted(file.name for file in place.samples.iterdir())), best_step=2, step=4)
        return job.id

    return make


def names(answer):
    assert answer.status_code == 200, answer.text
    return [run["name"] for run in answer.json()["runs"]]


def test_everybody_finds_their_own_and_an_admin_all(ann, bob, root, past):
    past(ann, "hers"), past(bob, "his")
    assert (names(ann.get("history")), names(bob.get("history"))) == (["hers"], ["his"])
    assert names(root.get("history")) == ["his", "hers"] and names(root.get("history?words=ann")) == ["hers"]
    assert root.get("history?size=1&page=1").json()["total"] == 2


def test_a_run_is_told_with_figures_sizes_and_where_it_ran_but_not_where_it_lies(ann, past, desk):
    run = past(ann, "hers")
    told = ann.get(f"history/{run}").json()
    assert (told["loss"], told["base"], told["seconds"], told["over"]) == (pytest.approx(0.625), "pocket", 3.0, True)
    assert told["sizes"]["states"] == 5000 and told["environment"] == {"device": "cpu", "base": {}}
    assert str(desk.host.data_folder()) not in json.dumps(told)
    assert ann.get(told["thumbnail"]).headers["content-type"] == "image/jpeg"


def test_stars_and_remarks_stay_and_others_cannot_give_any(ann, bob, past):
    run = past(ann, "hers")
    assert ann.put(f"history/{run}", json={"rating": 4, "comment": "fine"}).json()["rating"] == 4
    ann.put(f"history/{run}", json={"archived": True})
    told = ann.get("history?archived=yes&words=fine").json()["runs"][0]
    assert (told["rating"], told["comment"], told["archived"]) == (4, "fine", True)
    assert bob.put(f"history/{run}", json={"rating": 1}).status_code == 404
    assert ann.put(f"history/{run}", json={"rating": "5"}).status_code == 400


def test_runs_are_compared_with_the_addresses_of_their_samples(ann, bob, past):
    one, other, his = past(ann, "one"), past(ann, "other", every=4), past(bob, "his")
    found = ann.get(f"history/compare?jobs={one},{other}").json()
    strip = found["strips"][0]
    assert (strip["steps"], [sum(map(bool, row)) for row in strip["pictures"]]) == ([2, 4], [2, 1])
    assert ann.get(strip["pictures"][0][0]).content[:4] == b"\x89PNG"
    assert [len(found[key]) for key in ("runs", "results", "grids")] == [2, 0, 0]
    assert ann.get(f"history/compare?jobs={one},{his}").status_code == 404
    assert ann.get(f"history/compare?jobs={one}").json()["error"]["code"] == "runs_chosen"


def test_cells_of_grids_are_shown_by_their_names_and_nothing_else_is(ann, bob, past, desk):
    runs = past(ann, "one"), past(ann, "other")
    for run in runs:
        folder = desk.jobs.get(run).folder.path / "tryouts" / "g"
        folder.mkdir(parents=True)
        cell = {"file": drawn(folder / "0001.png").name, "step": 4, "strength": 0.8, "prompt": 0}
        grid = {"prompts": ["a zorb"], "seed": 7, "cells": [cell]}
        (folder / "grid.json").write_text(json.dumps(grid), encoding="utf-8")
    (strip,) = ann.get(f"history/compare?jobs={runs[0]},{runs[1]}").json()["grids"]
    assert strip["strengths"] == [0.8] and ann.get(strip["pictures"][1][0]).content[:4] == b"\x89PNG"
    assert bob.get(strip["pictures"][1][0]).status_code == 404
    for path in ("g/grid.json", "..%2F..%2Fconfig.yaml", "%2Fetc%2Fpasswd"):
        assert ann.get(f"history/{runs[0]}/cells/{path}").status_code == 404


def test_before_a_vote_nothing_tells_whose_the_pictures_are(ann, bob, root, past):
    runs = {past(ann, name): name for name in ("one", "other")}
    made_ = ann.post("history/ballots", json={"jobs": [*runs]})
    ballot = made_.json()
    assert not any(word in made_.text for word in (*runs, *runs.values(), "step0", "runs/"))
    for side in ("left", "right"):
        answer = ann.get(ballot[side])
        assert answer.content[:4] == b"\x89PNG" and not any(word in str(answer.headers) for word in runs)
        assert bob.get(ballot[side]).status_code == root.get(ballot[side]).status_code == 404
    assert ann.post(f"history/ballots/{ballot['id']}", json={"choice": "both"}).json()["error"]["code"] == "no_choice"
    told = ann.post(f"history/ballots/{ballot['id']}", json={"choice": "right"}).json()
    assert {told["left"]["id"], told["right"]["id"]} == runs.keys()
    (result,) = told["results"]
    assert result["wins"][result["runs"].index(told["right"]["id"])] == 1 and result["verdict"] == "few"
    assert ann.post(f"history/ballots/{ballot['id']}", json={"choice": "left"}).status_code == 404


def test_a_sample_that_an_admin_has_hidden_is_neither_shown_nor_voted_on(ann, root, past):
    run, other = past(ann, "one"), past(ann, "other")
    for file in ("step000002-1.png", "step000004-1.png"):
        assert root.put(f"jobs/{run}/samples/{file}/hidden", json={"hidden": True}).status_code == 200
    strips = ann.get(f"history/compare?jobs={run},{other}").json()["strips"]
    assert [[any(row) for row in strip["pictures"]] for strip in strips] == [[True, True], [False, True]]
    asked = {ann.post("history/ballots", json={"jobs": [run, other]}).json()["prompt"] for _ in range(8)}
    assert asked == {"a cat"}


def test_room_is_made_after_a_look_and_the_run_knows_what_is_gone(ann, bob, past, desk):
    run = past(ann, "hers")
    wish = {"jobs": [run], "kinds": ["states", "samples"]}
    looked = ann.post("history/free", json=wish).json()
    assert looked["bytes"][run]["states"] == 5000 and len(desk.jobs.get(run).record.samples) == 4
    assert bob.post("history/free", json={**wish, "really": True}).status_code == 404
    assert ann.post("history/free", json={**wish, "really": True}).json() == looked
    job = desk.jobs.get(run)
    assert job.record.samples == () and not job.has_state and job.folder.lora.exists()
    assert ann.post("history/free", json={"jobs": [run], "kinds": ["all"]}).json()["error"]["code"] == "no_such_space"


def test_nothing_is_freed_of_a_run_that_waits_or_is_under_way(ann, pictures, desk):
    job = desk.jobs.get(line_up(ann, "waits", pictures)["id"])
    place = made(job.folder.output, "waits")
    answer = ann.post("history/free", json={"jobs": [job.id], "kinds": ["states"], "really": True}).json()
    assert answer["refused"][job.id]["code"] == "run_not_over" and any(place.states.iterdir())
