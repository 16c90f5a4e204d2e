"""Runs beside each other, and blind votes between them."""

import json

import pytest

from lora_trainer.errors import NotFound, UserError
from lora_trainer.files.png import without_texts
from lora_trainer.history import History
from lora_trainer.history.results import told
from lora_trainer.history.shots import GRID_FILE
from tests.history.made import drawn, past


def history_of(*runs, voter=""):
    return History(lambda: runs, voter=voter)


def test_only_options_that_differ_are_told_and_of_paths_the_names(tmp_path):
    one = past(tmp_path, "one", network__rank=4, data__folders=["/home/ann/cats"])
    other = past(tmp_path, "other", network__rank=8, data__folders=[{"path": "/home/bob/cats", "repeats": 2}])
    found = {one.path: list(one.values) for one in history_of(one, other).compare(["one", "other"]).differences}
    assert found == {"data.folders": [["cats"], ["cats repeats=2"]], "network.rank": [4, 8]}


def test_samples_stand_in_the_column_of_their_step(tmp_path):
    one, other = past(tmp_path, "one", steps=4), past(tmp_path, "other", steps=6, every=3, prompts=("a cat",))
    strips = history_of(one, other).compare(["one", "other"]).strips
    assert [(strip.prompt, strip.columns, strip.shared) for strip in strips] == [
        ("a cat", [2, 3, 4, 6], 2),
        ("a zorb", [2, 4], 1),
    ]
    assert [[shot and shot.step for shot in row] for row in strips[0].shots] == [[2, None, 4, None], [None, 3, None, 6]]


@pytest.mark.parametrize("ids", [["one"], ["one", "one"], [str(n) for n in range(9)]])
def test_too_few_or_too_many_runs_are_a_sentence(tmp_path, ids):
    with pytest.raises(UserError, match="different runs"):
        history_of(past(tmp_path, "one")).compare(ids)


def test_pairs_are_of_one_prompt_and_seed_and_every_pair_comes_before_one_comes_again(tmp_path):
    one, other = past(tmp_path, "one"), past(tmp_path, "other")
    history = history_of(one, other)
    prompts = []
    for _ in range(4):
        ballot = history.ballot(["one", "other"])
        a, b = ballot.shots
        assert a.about == b.about and {run.id for run in ballot.runs} == {"one", "other"}
        prompts.append(a.prompt)
        history.vote(ballot.id, "same")
    assert sorted(prompts[:2]) == sorted(prompts[2:]) == ["a cat", "a zorb"]


def test_sides_are_drawn_by_chance(tmp_path):
    history = history_of(past(tmp_path, "one"), past(tmp_path, "other"))
    left = {history.ballot(["one", "other"]).runs[0].id for _ in range(40)}
    assert left == {"one", "other"}


def test_a_picture_that_is_voted_on_says_nothing_of_where_it_comes_from(tmp_path):
    history = history_of(past(tmp_path, "one"), past(tmp_path, "other"))
    ballot = history.ballot(["one", "other"])
    content = history.picture(ballot.id, "left")
    assert content.startswith(b"\x89PNG") and b"secret" not in content and b"parameters" not in content
    with pytest.raises(NotFound):
        history.picture(ballot.id, "../left")


def test_the_same_picture_is_left_when_texts_are_taken_out(tmp_path):
    import io

    from PIL import Image

    file = drawn(tmp_path / "a.png")
    plain = Image.open(io.BytesIO(without_texts(file.read_bytes())))
    assert list(plain.getdata()) == list(Image.open(file).getdata()) and "parameters" not in plain.info
    assert without_texts(b"GIF89a") == without_texts(file.read_bytes()[:60]) == b""


def test_a_vote_counts_once_for_whoever_was_asked_and_is_kept(tmp_path):
    runs = past(tmp_path, "one"), past(tmp_path, "other")
    history, another = history_of(*runs, voter="ann"), history_of(*runs, voter="bob")
    another.ballots = history.ballots
    ballot = history.ballot(["one", "other"])
    with pytest.raises(NotFound):
        another.vote(ballot.id, "left")
    history.vote(ballot.id, "left")
    with pytest.raises(NotFound):
        history.vote(ballot.id, "left")
    (result,) = history_of(*runs).results(["other", "one"])
    won = dict(zip(result.runs, result.wins, strict=True))
    assert won == {ballot.runs[0].id: 1, ballot.runs[1].id: 0} and result.verdict == "few"


def test_runs_without_comparable_pictures_cannot_be_voted_on(tmp_path):
    runs = past(tmp_path, "one", seed=1), past(tmp_path, "other", seed=2)
    with pytest.raises(UserError, match="same prompt"):
        history_of(*runs).ballot(["one", "other"])


def test_cells_of_grids_are_voted_on_where_prompt_seed_and_strength_agree_but_not_at_strength_0(tmp_path):
    runs = past(tmp_path, "one", prompts=()), past(tmp_path, "other", prompts=())
    for run in runs:
        grid = run.folder.path / "tryouts" / "g"
        grid.mkdir(parents=True)
        cells = [{"file": drawn(grid / f"{s}.png").name, "step": 4, "strength": s, "prompt": 0} for s in (0, 0.8)]
        (grid / GRID_FILE).write_text(json.dumps({"prompts": ["a zorb"], "seed": 7, "cells": cells}), encoding="utf-8")
    history = history_of(*runs)
    (strip,) = history.compare(["one", "other"]).grids
    assert (strip.columns, [[shot.file for shot in row] for row in strip.shots]) == (
        [0, 0.8],
        [["g/0.png", "g/0.8.png"]] * 2,
    )
    assert {history.ballot(["one", "other"]).shots[0].strength for _ in range(10)} == {0.8}


@pytest.mark.parametrize("step", ["1e999", "NaN", "[" * 10**5, '"four"'])
def test_the_pictures_of_a_grid_whose_file_is_damaged_are_left_out(tmp_path, step):
    run = past(tmp_path, "one")
    for name, value in (("g", "4"), ("h", step)):
        grid = run.folder.path / "tryouts" / name
        grid.mkdir(parents=True)
        cell = f'{{"file": "{drawn(grid / "1.png").name}", "step": {value}, "strength": 1, "prompt": 0}}'
        (grid / GRID_FILE).write_text(f'{{"prompts": ["a zorb"], "seed": 7, "cells": [{cell}]}}', encoding="utf-8")
    assert [shot.file for shot in run.shots() if shot.kind == "cell"] == ["g/1.png"]


@pytest.mark.parametrize(
    ("wins", "verdict", "better"),
    [((5, 0), "few", ""), ((6, 0), "told", "a"), ((6, 4), "open", ""), ((5, 15), "told", "b"), ((0, 0), "few", "")],
)
def test_votes_tell_only_what_is_more_than_chance(wins, verdict, better):
    result = told(("a", "b"), *wins)
    assert (result.verdict, result.better) == (verdict, better)


def test_the_interval_and_the_chance_are_those_of_the_textbooks():
    result = told(("a", "b"), 15, 5)
    assert (result.low, result.high) == (pytest.approx(0.5313, abs=1e-4), pytest.approx(0.8881, abs=1e-4))
    assert result.chance == pytest.approx(0.0414, abs=1e-4) and told(("a", "b"), 3, 3).chance == 1.0
