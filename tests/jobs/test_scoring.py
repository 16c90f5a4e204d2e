"""A grid of a run's saves is scored when it is drawn. One run on a base of random weights serves all tests."""

import json

import pytest
from PIL import Image

from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs import tryout_request
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.grid import OPEN
from lora_trainer.jobs.scoring import beside
from lora_trainer.jobs.sheets import write_sheet
from lora_trainer.jobs.tryout_request import TryOutRequest, usual_request
from lora_trainer.judging import score
from lora_trainer.judging.pixels import PixelJudge
from tests.captioning.colours import colour_clip
from tests.runs import values

from .conftest import wait_for, wait_until

WORD = "zorb"
QUICK = {"samples__prompts": ["a zorb, red", "a zorb, blue"], "samples__steps": 1, "data__trigger_word": WORD}


@pytest.fixture(scope="module", autouse=True)
def few_pictures():
    """Grids of ten pictures, looked at in more than one batch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tryout_request, "USUAL_STRENGTHS", (0.0, 0.8))
        patch.setattr(score, "BATCH", 4)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("scoring")


@pytest.fixture(scope="module")
def config(random_sd1, pictures, folder):
    def make(**more):
        return options.build(values(random_sd1, pictures, folder / "unused", **QUICK, validation_every=0, **more))

    return make


@pytest.fixture(scope="module")
def desk(random_sd1, folder):
    base = options.build({"base": {"checkpoint": str(random_sd1)}})
    desk = Desk(StandaloneHost(base.base, base.memory, folder / "loras", folder / "data"))
    desk.habits.turn(grid_at_end=False)
    yield desk
    desk.tryouts.close()


@pytest.fixture(scope="module")
def job(desk, config):
    return wait_until(desk.jobs.submit(config(save__every=2)), "finished", "failed")


@pytest.fixture(scope="module")
def grid(desk, job):
    """The usual grid, without any model."""
    return drawn(desk.tryouts.begin_usual(job))


def drawn(tryout):
    wait_for(lambda: tryout.state not in OPEN)
    assert tryout.state == "done", tryout.message
    return tryout


def test_without_a_model_the_grid_is_scored_by_pixels_and_says_what_is_missing(grid):
    assert grid.request.prompts == ["a zorb, red", "a zorb, blue", "red"]
    judgement = grid.verdict.judgement
    assert judgement.judges == {"change": "pixels"}
    assert [sentence.code for sentence in judgement.missing] == ["clip_model_missing"]
    assert {shot.prompt for shot, score in zip(grid.cells, judgement.scores) if score} == {2}
    assert grid.verdict.proposal.basis in ("validation", "last")


def test_the_proposal_is_kept_in_the_run_s_folder(grid, job):
    kept = json.loads(job.folder.proposal.read_text(encoding="utf-8"))
    assert kept["proposal"]["sentence"] == grid.verdict.proposal.sentence and kept["without_word"] == [2]
    assert len(kept["cells"]) == 2 and kept["proposal"]["save"] in grid.saves


def test_the_preview_of_a_save_shows_what_was_learned(desk, job, grid):
    picture = desk.tryouts.picture_of(job, "zorb.safetensors", 0.8)
    assert next(cell.prompt for cell in grid.cells if cell.path == picture) != 2


def test_a_model_in_the_data_folder_measures_likeness(desk, job, grid, folder):
    model = colour_clip(folder / "data" / "captioners" / "clip" / "colours")
    judgement = drawn(desk.tryouts.start(job, usual_request(job))).verdict.judgement
    (model / "model.safetensors").unlink()
    (model / "open_clip_config.json").unlink()
    assert {"likeness", "change"} <= judgement.judges.keys() and set(judgement.judges.values()) == {"clip"}
    assert judgement.ceiling > 0 and judgement.missing == []


def test_who_wants_no_scores_has_none(desk, job):
    asked = TryOutRequest(["zorb.safetensors"], [1.0], ["a zorb"], width=64, height=64, steps=1, score=False)
    other = drawn(desk.tryouts.start(job, asked))
    assert other.verdict is None and other.beside == {}


def test_a_sheet_with_scores_is_higher_than_one_without(grid):
    sizes = []
    for verdict in (grid.verdict, None):
        grid.verdict, before = verdict, grid.verdict
        with Image.open(write_sheet(grid)) as sheet:
            sizes.append(sheet.size)
        grid.verdict = before
    assert sizes[0][0] == sizes[1][0] and sizes[0][1] > sizes[1][1]


def test_a_run_that_is_begun_while_a_grid_is_judged_comes_first(desk, job, config, monkeypatch):
    looked, others = [], []
    look = PixelJudge.look

    def slowly(self, pictures):
        looked.append(len(pictures))
        if len(looked) == 1:
            others.append(desk.jobs.submit(config(save__name="second")))
            wait_for(desk.jobs.waiting)
        return look(self, pictures)

    monkeypatch.setattr(PixelJudge, "look", slowly)
    second = drawn(desk.tryouts.begin_usual(job))
    assert others[0].state == "finished"
    assert sum(looked) > len(second.cells) + len(second.beside)


def test_what_the_base_draws_beside_a_grid():
    asked = TryOutRequest(["a"], [0.0, 1.0], ["a zorb", "a cat"])
    assert beside(asked, 7, WORD) == [(1, 8)]
    assert beside(TryOutRequest(["a"], [1.0], ["a zorb", "a cat"]), 7, WORD) == [(0, 7), (1, 7), (1, 8)]
    assert beside(asked, 7, "") == []
