import pytest

from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.grid import OPEN
from lora_trainer.jobs.tryout_request import TryOutRequest, usual_request, usual_saves

from .conftest import wait_for, wait_until


@pytest.fixture
def desk(host):
    desk = Desk(host)
    yield desk
    desk.tryouts.close()


def grid_of(desk, job):
    wait_for(lambda: job.record.tryout)
    return desk.tryouts.get(job.record.tryout)


def drawn(tryout):
    wait_for(lambda: tryout.state not in OPEN)
    assert tryout.state == "done", tryout.message
    return tryout


THREE = {"samples__prompts": ["a zorb", "two zorbs", "three"], "samples__steps": 1}
QUICK = {"samples__prompts": ["a zorb"], "samples__steps": 1}


def test_a_run_that_ends_is_shown_in_one_grid_of_its_saves_at_rising_strengths(desk, config):
    job = wait_until(desk.jobs.submit(config(save__every=2, **THREE)), "finished", "failed")
    grid = drawn(grid_of(desk, job))
    assert grid.request.saves == ["zorb-step000002.safetensors", "zorb.safetensors"]
    assert grid.request.strengths == (0.0, 0.4, 0.6, 0.8, 1.0)
    assert grid.request.prompts == ["a zorb", "two zorbs"] and len(grid.cells) == 20
    pictures = {cell.path.read_bytes() for cell in grid.cells if cell.strength == 0 and cell.prompt == 0}
    assert len(pictures) == 1


def test_more_steps_have_a_grid_of_their_own(desk, config):
    job = wait_until(desk.jobs.submit(config(**QUICK)), "finished", "failed")
    first = drawn(grid_of(desk, job))
    job.more(1)
    wait_for(lambda: job.record.tryout != first.id)
    assert len(drawn(grid_of(desk, job)).request.saves) == 2


def test_a_stop_without_a_save_shows_nothing_and_one_with_a_save_does(desk, config):
    job = desk.jobs.submit(config(steps=500, save__every=1, **QUICK))
    wait_for(lambda: job.record.step >= 2)
    job.stop()
    wait_until(job, "stopped")
    other = desk.jobs.submit(config(save__name="other", steps=500, **QUICK))
    wait_for(lambda: other.record.step >= 1)
    other.stop_and_save()
    drawn(grid_of(desk, other))
    assert job.record.tryout == ""


def test_who_switched_it_off_is_left_alone_also_after_a_restart(desk, host, config):
    desk.habits.turn(grid_at_end=False)
    wait_until(desk.jobs.submit(config()), "finished", "failed")
    again = Desk(host)
    assert not again.habits.grid_at_end
    job = wait_until(again.jobs.submit(config(save__name="again")), "finished", "failed")
    wait_for(lambda: again.jobs.turn.holder is None)
    assert job.record.tryout == ""


def test_runs_in_line_come_before_the_grid_of_the_one_that_ended(desk, config):
    first = desk.jobs.submit(config(save__name="first", **QUICK))
    second = desk.jobs.submit(config(save__name="second", **QUICK))
    grid = grid_of(desk, first)
    wait_until(second, "finished", "failed")
    assert grid.cells == []
    drawn(grid)
    drawn(grid_of(desk, second))


def test_a_run_that_is_begun_while_the_grid_is_drawn_waits_for_one_picture_at_most(desk, config):
    more = {**QUICK, "samples__steps": 20, "samples__width": 128, "samples__height": 128}
    grid = grid_of(desk, desk.jobs.submit(config(save__name="first", **more)))
    wait_for(lambda: grid.cells)
    second = desk.jobs.submit(config(save__name="second", **QUICK))
    before = len(grid.cells)
    wait_until(second, "finished", "failed")
    assert len(grid.cells) <= before + 1 < grid.total
    drawn(grid)


def test_the_user_s_own_choice_takes_the_grid_s_place(desk, config):
    job = wait_until(desk.jobs.submit(config(**{**QUICK, "samples__steps": 50})), "finished", "failed")
    usual = grid_of(desk, job)
    own = desk.tryouts.start(job, TryOutRequest(["zorb.safetensors"], [1.0], ["a zorb"], width=64, height=64, steps=1))
    drawn(own)
    wait_for(lambda: usual.state not in OPEN)
    assert (usual.state, job.record.tryout) == ("stopped", own.id)


def test_a_single_picture_is_not_the_job_s_grid(desk, config):
    job = wait_until(desk.jobs.submit(config(**QUICK)), "finished", "failed")
    grid = grid_of(desk, job)
    one = TryOutRequest(["zorb.safetensors"], [1.0], ["a zorb"], width=64, height=64, steps=1)
    drawn(desk.tryouts.start(job, one, single=True))
    drawn(grid)
    assert job.record.tryout == grid.id


def test_pictures_asked_for_without_saves_show_what_a_pause_saved_before_the_next_run_begins(desk, config):
    job = desk.jobs.submit(config(steps=500))
    next_one = desk.jobs.submit(config(save__name="next", steps=500))
    wait_for(lambda: job.record.step >= 1)
    asked = TryOutRequest([], [1.0], ["a zorb"], width=64, height=64, steps=1)
    tryout = desk.tryouts.start(job, asked)
    assert (tryout.message.code, tryout.waits_for.job) == ("tryout_waits", job.id)
    job.pause()
    drawn(tryout)
    assert tryout.request.saves == [f"zorb-step{job.record.step:06d}.safetensors"]
    next_one.stop()
    job.stop()


def test_the_best_save_is_shown_beside_the_last_ones(desk, config):
    desk.habits.turn(grid_at_end=False)
    job = wait_until(desk.jobs.submit(config(steps=7, save__every=1)), "finished", "failed")
    job.change(best_step=1)
    assert [int(file[9:15]) for file in usual_saves(job)[:-1]] == [1, 4, 5, 6]
    assert usual_request(job).prompts == ["a zorb, number 0", "a zorb, number 1"]


def test_a_picture_is_found_again_under_the_name_that_its_save_has_after_more_steps(desk, config):
    job = wait_until(desk.jobs.submit(config(**QUICK)), "finished", "failed")
    picture = drawn(grid_of(desk, job)).cells[-1]
    desk.habits.turn(grid_at_end=False)
    job.more(1)
    wait_until(job, "finished", "failed")
    assert picture.save == "zorb.safetensors"
    assert desk.tryouts.picture_of(job, "zorb-step000004.safetensors", 1.0) == picture.path
    assert desk.tryouts.picture_of(job, "zorb.safetensors", 1.0) is None
