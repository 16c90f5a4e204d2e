"""A grid outlives the program that drew it. Nothing is loaded: a host of one colour for each strength draws."""

import json
import shutil
from dataclasses import asdict

import pytest
from PIL import Image

from lora_trainer.errors import NotFound
from lora_trainer.history.shots import GRID_FILE
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.grid import OPEN
from lora_trainer.jobs.grid_file import kept_grid
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.scoring import scores_by_number
from lora_trainer.jobs.sheets import write_sheet
from lora_trainer.jobs.tryout_request import TryOutRequest

from .conftest import wait_for, wait_until
from .light import SAVES, PaintingHost, Saving

ASKED = TryOutRequest(SAVES, [0.0, 0.8], ["a zorb", "a cat"], "blurry", -1, 64, 96, 3, 5.5, "euler")


@pytest.fixture
def host(tmp_path):
    return PaintingHost(tmp_path)


@pytest.fixture
def desks(host):
    """Programs on one data folder, each of which ends when the next one begins."""
    begun = []

    def begin():
        end()
        begun.append(Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=Saving())))
        begun[-1].habits.turn(grid_at_end=False)
        return begun[-1]

    def end():
        for desk in begun[-1:]:
            desk.tryouts.close()
            desk.meter.close()
            desk.jobs.close()

    yield begin
    end()


@pytest.fixture
def drawn(desks, host):
    """A whole grid, with its figures."""
    return draw(desks(), host)


def draw(desk, host, asked=ASKED):
    job = wait_until(desk.jobs.submit(host.config(data__trigger_word="zorb")), "finished")
    grid = desk.tryouts.start(job, asked)
    wait_for(lambda: grid.state not in OPEN)
    return grid


def again(desks, grid):
    """The grid as the next program has it."""
    return desks().tryouts.get(grid.id)


def change(grid, **values):
    """Write something else into the grid's file."""
    file = grid.folder / GRID_FILE
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **values}), encoding="utf-8")


def shown(grid):
    return [asdict(cell) for cell in grid.cells], grid.steps, grid.seed, grid.saves, grid.total, grid.beside


def test_the_next_program_has_the_grid_as_it_was_with_its_figures_and_its_proposal(drawn, desks):
    kept = again(desks, drawn)
    assert drawn.state == kept.state == "done" and len(kept.cells) == 8 and shown(kept) == shown(drawn)
    assert {**asdict(kept.request), "seed": -1} == asdict(ASKED)
    assert scores_by_number(kept) == scores_by_number(drawn) != {}
    assert kept.verdict.to_json() == drawn.verdict.to_json() and kept.verdict.proposal.save in SAVES
    assert (kept.waits_for, kept.message, kept.automatic) == (None, "", False)


def test_its_sheet_is_made_and_a_save_that_is_kept_has_its_picture(drawn, desks):
    desk = desks()
    job = desk.jobs.get(drawn.job.id)
    assert desk.tryouts.picture_of(job, SAVES[1], 0.8) == drawn.cells[3].path
    with Image.open(write_sheet(drawn)) as before, Image.open(write_sheet(desk.tryouts.get(drawn.id))) as sheet:
        assert list(sheet.getdata()) == list(before.getdata()) and sheet.info["parameters"].startswith("a zorb")


def test_what_is_drawn_anew_takes_its_place_and_its_pictures_stay_those_of_their_saves(drawn, desks):
    desk = desks()
    job = desk.jobs.get(drawn.job.id)
    new = desk.tryouts.start(job, TryOutRequest(SAVES[1:], [1.0], ["a zorb"], width=64, height=64, score=False))
    wait_for(lambda: new.state == "done")
    assert job.record.tryout == new.id and desk.tryouts.picture_of(job, SAVES[1], 0.8) == drawn.cells[3].path
    assert again(desks, new).total == 1


def test_one_that_was_stopped_is_stopped_and_one_that_broke_off_says_why(desks, host):
    host.most = 3
    broken = draw(desks(), host)
    kept = again(desks, broken)
    assert (kept.state, kept.message, len(kept.cells), kept.total) == ("failed", "The host was interrupted.", 4, 8)
    change(broken, state="stopped")
    assert (again(desks, broken).state, again(desks, broken).message) == ("stopped", "")


def test_one_that_the_end_of_the_program_cut_off_is_stopped_with_what_is_there(desks, host):
    host.most = 3
    broken = draw(desks(), host)
    change(broken, state="drawing")
    kept = again(desks, broken)
    assert (kept.state, len(kept.cells)) == ("stopped", 4) and not desks().tryouts.is_drawing(kept.job)


def test_pictures_that_are_gone_or_cut_off_are_left_out_and_the_others_keep_their_figures(drawn, desks):
    drawn.cells[0].path.unlink()
    drawn.cells[4].path.write_bytes(drawn.cells[4].path.read_bytes()[:-20])
    scores = scores_by_number(drawn)
    kept = again(desks, drawn)
    assert [cell.n for cell in kept.cells] == [2, 3, 4, 6, 7, 8]
    assert scores_by_number(kept) == {n: score for n, score in scores.items() if n not in (1, 5)} != {}
    kept.cells[0].path.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    assert write_sheet(kept).is_file()


def test_a_grid_of_an_earlier_version_is_shown_as_far_as_it_is_told(drawn, desks):
    file = drawn.folder / GRID_FILE
    values = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({name: values[name] for name in ("prompts", "seed", "cells")}), encoding="utf-8")
    kept = again(desks, drawn)
    assert (kept.state, kept.saves, kept.request.strengths, kept.steps) == ("done", SAVES, [0.0, 0.8], drawn.steps)
    assert shown(kept)[0] == shown(drawn)[0] and kept.request.steps == kept.job.config.samples.steps
    assert kept.verdict.proposal == drawn.verdict.proposal and scores_by_number(kept) == {}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"cells": [], "prompts": ["x"], "saves": ["a"], "strengths": [1e999], "seed": 1}',
        '{"cells": [], "prompts": ["x"], "saves": ["a"], "strengths": [NaN], "seed": 1}',
        '{"cells": [], "prompts": ["x"], "saves": "abc", "strengths": [1], "seed": 1}',
        '{"cells": 5, "prompts": ["x"], "saves": ["a"], "strengths": [1], "seed": 1}',
        json.dumps({"cells": [], "prompts": ["x"] * 500, "saves": ["a"], "strengths": [1], "seed": 1}),
    ],
)
def test_a_file_that_tells_no_grid_is_as_good_as_none(content, drawn, desks):
    (drawn.folder / GRID_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(NotFound):
        again(desks, drawn)


CELL = {"file": "0001.png", "save": SAVES[0], "step": 2, "strength": 0.0, "prompt": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {},
        {**CELL, "file": "../0001.png"},
        {**CELL, "file": 1},
        {**CELL, "save": "other.safetensors"},
        {**CELL, "save": []},
        {**CELL, "step": "2"},
        {**CELL, "strength": 0.5},
        {**CELL, "prompt": -1},
    ],
)
def test_a_cell_that_is_unsound_is_left_out(wrong, drawn, desks):
    change(drawn, cells=[wrong, {**CELL, "file": "0002.png", "strength": 0.8}])
    assert [(cell.n, cell.path.name) for cell in again(desks, drawn).cells] == [(2, "0002.png")]


@pytest.mark.parametrize(
    "verdict", [[], {}, {"prompts": ["a zorb", "a cat"]}, "x", {"prompts": ["a zorb", "a cat"], "cells": [1]}]
)
def test_figures_that_are_damaged_are_none_and_the_pictures_stay(verdict, drawn, desks):
    change(drawn, verdict=verdict)
    kept = again(desks, drawn)
    assert kept.verdict is None and len(kept.cells) == 8


def test_what_is_deleted_is_gone(drawn, desks):
    desk = desks()
    kept = desk.tryouts.get(drawn.id)
    desk.history.room([kept.job.id], ["grids"], really=True)
    with pytest.raises(NotFound):
        desk.tryouts.get(drawn.id)
    assert kept.job.record.tryout == "" and kept_grid(kept.job) is None


def test_a_copy_of_a_run_s_folder_does_not_take_its_grid(drawn, desks, host):
    runs = host.data_folder() / "runs"
    shutil.copytree(runs / drawn.job.id, runs / "20260101-000000-copy")
    desk = desks()
    assert {job.id: job.record.tryout for job in desk.jobs.list()} == {
        drawn.job.id: drawn.id,
        "20260101-000000-copy": "",
    }


def test_of_a_run_whose_grid_waits_nothing_is_freed_and_afterwards_it_is(desks, host):
    desk = desks()
    job = wait_until(desk.jobs.submit(host.config()), "finished")
    with desk.jobs.turn.taken("other"):
        grid = desk.tryouts.start(job, ASKED)
        assert desk.history.room([job.id], ["grids"], really=True).refused.keys() == {job.id}
    wait_for(lambda: grid.state == "done")
    assert desk.history.room([job.id], ["grids"], really=True).total > 0 and not grid.folder.exists()


def test_a_run_that_is_deleted_while_it_is_drawn_leaves_no_folder(desks, host):
    desk = desks()
    job = wait_until(desk.jobs.submit(host.config()), "finished")
    with desk.jobs.turn.taken("other"):
        grid = desk.tryouts.start(job, ASKED)
        wait_for(lambda: job not in desk.jobs.workers.running.values())
        desk.delete(job)
    wait_for(lambda: grid.state == "stopped")
    assert not job.folder.output.exists()
