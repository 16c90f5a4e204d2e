"""The grid of a run whose folder came from elsewhere: its file names, and links in it, lead to nothing outside."""

import json
import shutil

import pytest

from .asking import refused
from .conftest import SECRET, png

ID = "0123456789ab"
SAVE = "zorb.safetensors"
NAMES = (
    "../../../../../../../../outside/pictures/cat.png",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "..\\x.png",
    "a" * 5000 + ".png",
    "a.png\0",
)


@pytest.fixture
def grid(desk, job, ground):
    """The folder of a grid whose file names pictures outside, and whose own pictures are links, but for one."""
    run = desk.jobs.get(job)
    folder = run.folder.path / "tryouts" / ID
    folder.mkdir(parents=True)
    outside = ground / "outside"
    (folder / "9.png").write_bytes(png())
    try:
        (folder / "8.png").symlink_to(outside / "pictures" / "cat.png")
        (folder / "sheet.png").symlink_to(outside / "secret.txt")
    except OSError:
        pytest.skip("this system lets nobody make links")
    names = [*NAMES, str(outside / "pictures" / "cat.png"), "8.png", "sheet.png", "9.png"]
    cells = [{"file": name, "save": SAVE, "step": 1, "strength": n, "prompt": 0} for n, name in enumerate(names)]
    told = {"saves": [SAVE], "strengths": [*range(len(names))], "prompts": ["a zorb"], "seed": 1}
    (folder / "grid.json").write_text(json.dumps({**told, "cells": cells, "beside": cells}), encoding="utf-8")
    run.change(tryout=ID)
    yield folder
    run.change(tryout="")
    desk.tryouts.forget(run)
    shutil.rmtree(folder.parent)


def test_only_what_lies_in_the_folder_itself_is_shown(root, grid, job, unharmed):
    (cell,) = root("GET", f"/tryouts/{ID}").json()["cells"]
    assert cell["strength"] == len(NAMES) + 3 and root("GET", f"/{cell['url']}").body == png()
    for n in range(cell["n"]):
        assert refused(root("GET", f"/tryouts/{ID}/cells/{n}.png"))
    for name in ("8.png", "sheet.png", "grid.json", "..%2F..%2Fconfig.yaml"):
        assert refused(root("GET", f"/history/{job}/cells/{ID}/{name}"))


def test_the_sheet_takes_the_place_of_a_link_and_writes_through_none(root, grid, ground):
    answer = root("GET", f"/tryouts/{ID}/sheet.png")
    assert refused(answer) and SECRET not in answer.body
    assert root("POST", f"/tryouts/{ID}/sheet").status == 200
    assert (ground / "outside" / "secret.txt").read_bytes() == SECRET
    assert not (grid / "sheet.png").is_symlink() and root("GET", f"/tryouts/{ID}/sheet.png").status == 200


@pytest.mark.parametrize("name", ["../../../../../../../outside", "..", ".", "", "x" * 5000, "\0", "/etc"])
def test_the_name_of_a_grid_that_is_none_leads_nowhere(name, root, desk, grid, job, unharmed):
    desk.jobs.get(job).change(tryout=name)
    assert refused(root("GET", f"/tryouts/{ID}")) and desk.tryouts.picture_of(desk.jobs.get(job), SAVE, 1.0) is None


def test_a_folder_that_is_a_link_is_no_grid(root, desk, grid, job, ground, unharmed):
    elsewhere = ground / "private" / "elsewhere"
    grid.rename(elsewhere)
    grid.symlink_to(elsewhere, target_is_directory=True)
    assert refused(root("GET", f"/tryouts/{ID}")) and refused(root("GET", f"/history/{job}/cells/{ID}/9.png"))
