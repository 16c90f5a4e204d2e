"""Pictures are deleted or changed while a run waits, rests or runs."""

import shutil

import pytest

from lora_trainer.events import Finished, Started, Warned
from lora_trainer.files.read import read_lora
from lora_trainer.jobs.states import FAILED, FINISHED, PAUSED

from .conftest import wait_for, wait_until


@pytest.fixture
def cats(pictures, tmp_path):
    return shutil.copytree(pictures, tmp_path / "cats")


def test_pictures_that_are_gone_when_a_run_has_its_turn_are_a_sentence_and_it_can_begin_later(jobs, config, cats):
    with jobs.turn.taken("somebody else"):
        job = jobs.submit(config(data__folders=[str(cats)], steps=1))
        aside = cats.rename(cats.with_name("aside"))
    wait_until(job, FAILED, FINISHED)
    assert job.state == FAILED and "does not exist" in job.record.message
    wait_for(lambda: jobs.turn.holder is None)
    aside.rename(cats)
    job.resume()
    assert wait_until(job, FAILED, FINISHED).state == FINISHED


def test_pictures_that_are_gone_while_a_run_rests_cost_no_save_and_changed_ones_are_told(jobs, config, cats):
    job = jobs.submit(config(data__folders=[str(cats)], steps=8, save__every=1))
    wait_for(lambda: job.state_step >= 2)
    job.pause()
    wait_until(job, PAUSED, FINISHED)
    saves, step = job.saves(), job.state_step
    aside = cats.rename(cats.with_name("aside"))
    job.resume()
    wait_until(job, FAILED)
    assert "does not exist" in job.record.message and (job.saves(), job.state_step) == (saves, step)
    for save in saves:
        read_lora(job.save_path(save.file))
    aside.rename(cats)
    (cats / "0.txt").write_text("another caption")
    job.resume()
    assert wait_until(job, FAILED, FINISHED).state == FINISHED
    told = [event.code for _, event in job.feed.after(0, 1000) if isinstance(event, Warned)]
    assert "changed_data" in told


def test_a_run_that_has_encoded_all_needs_its_pictures_no_more(cats, random_sd1, tmp_path):
    from tests.runs import stream, values

    last = None
    for last in stream(values(random_sd1, cats, tmp_path / "out")):
        if isinstance(last, Started):
            shutil.rmtree(cats)
    assert isinstance(last, Finished) and last.step == 4
