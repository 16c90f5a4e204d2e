"""What the end of a program interrupted goes on by itself at the next start, where that is wished."""

import pytest

from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.recovery import goes_on_unasked
from lora_trainer.jobs.states import ENDED, FINISHED, INTERRUPTED
from lora_trainer.jobs.telling import left_notice

from .conftest import die, wait_for, wait_until
from .light import Quick, Waiting


@pytest.fixture
def start(light_host):
    """Starts a program on the folder, as a desk with a runner; each ends as a killed one does."""
    made = []

    def end():
        while made:
            die(made.pop().jobs)

    def begin(runner, **more):
        end()
        made.append(Desk(light_host, jobs=Jobs(light_host, light_host.data_folder() / "runs", runner=runner), **more))
        return made[-1]

    yield begin
    end()


def interrupted(start, light_host, *names):
    """A program that was killed while the first of these ran and the others waited."""
    desk = start(Waiting())
    for name in names:
        desk.jobs.submit(light_host.config(name))
    wait_until(desk.jobs.list()[-1], "preparing")


def names(jobs):
    return [job.record.name for job in jobs]


def test_nothing_goes_on_by_itself_unless_it_is_wished(start, light_host):
    interrupted(start, light_host, "one", "two")
    assert {job.state for job in start(Quick()).jobs.list()} == {INTERRUPTED}


def test_with_the_flag_all_goes_on_in_its_order(start, light_host):
    interrupted(start, light_host, "one", "two", "three")
    runner = Waiting()
    runner.ends.set()
    desk = start(runner, goes_on=True)
    wait_for(lambda: all(job.state == FINISHED for job in desk.jobs.list()))
    assert runner.began == ["one", "two", "three"]


def test_the_habit_holds_over_restarts(start, light_host):
    start(Quick()).habits.turn(goes_on=True)
    interrupted(start, light_host, "one")
    desk = start(Quick())
    wait_for(lambda: all(job.state in ENDED for job in desk.jobs.list()))
    assert desk.jobs.interrupted() == []


def test_what_brings_the_program_down_twice_at_the_same_step_waits_and_says_so(start, light_host):
    interrupted(start, light_host, "bad", "good")
    desk = start(Waiting(), goes_on=True)
    wait_until(desk.jobs.list()[-1], "preparing")
    runner = Quick()
    desk = start(runner, goes_on=True)
    good, bad = desk.jobs.list()
    wait_until(good, FINISHED)
    assert (bad.state, bad.record.message.code, bad.record.crashes) == (INTERRUPTED, "left_again", 2)
    assert not goes_on_unasked(bad)
    bad.resume()
    wait_until(bad, FINISHED)


def test_what_comes_further_between_two_ends_goes_on(start, light_host):
    interrupted(start, light_host, "slow")
    desk = start(Waiting(), goes_on=True)
    job = wait_until(desk.jobs.list()[0], "preparing")
    job.folder.states.mkdir(parents=True)
    (job.folder.states / "step00000003.safetensors").touch()
    desk = start(Quick())
    assert goes_on_unasked(desk.jobs.list()[0]) and desk.jobs.list()[0].record.crashes == 1


def test_one_that_cannot_go_on_keeps_no_other_from_it(start, light_host):
    interrupted(start, light_host, "one", "two")
    desk = start(Quick())
    two, one = desk.jobs.list()
    one.problem = "No such option any more."
    desk.jobs.go_on()
    wait_until(two, FINISHED)
    assert one.state == INTERRUPTED


def test_the_notice_tells_what_goes_on_and_what_needs_somebody(start, light_host):
    interrupted(start, light_host, "bad", "good")
    desk = start(Waiting(), goes_on=True)
    wait_until(desk.jobs.list()[-1], "preparing")
    left = start(Quick()).jobs.left
    assert [one.code for one in left_notice(left, goes_on=True).sentences] == ["notice_left_go_on", "notice_left_waits"]
    assert [one.code for one in left_notice(left).sentences] == ["notice_left_text"]
    good = [job for job in left if job.record.name == "good"]
    assert [one.code for one in left_notice(good, goes_on=True).sentences] == ["left_waiting", "notice_goes_on"]
