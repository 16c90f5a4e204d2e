"""A program that is told to end lets what runs keep how far it came, and begins nothing more."""

import threading

import pytest

from lora_trainer.control import Wish
from lora_trainer.jobs.queue import Jobs

from .conftest import wait_for, wait_until


class Stepping:
    """A runner that asks for wishes at each step, as a run does, and has ended when the test says so."""

    def __init__(self):
        self.finish = threading.Event()

    def run(self, job):
        wait_for(lambda: self.finish.is_set() or job.control.wish is not Wish.GO_ON, 90)
        ends = {Wish.PAUSE: "paused", Wish.STOP: "stopped"}
        job.end(ends.get(job.control.wish, "finished"))


@pytest.fixture
def start(host):
    made = []

    def begin(runner):
        made.append(Jobs(host, host.data_folder() / "runs", runner=runner))
        return made[-1]

    yield begin
    for jobs in made:
        jobs.close()


def test_what_runs_steps_aside_and_the_next_program_finds_all_in_their_order(start, config):
    first = start(Stepping())
    one, two = (first.submit(config(save__name=name)) for name in ("one", "two"))
    wait_until(one, "preparing")
    assert first.end(10)
    assert (one.state, two.state) == ("queued", "queued")
    first.close()
    runner = Stepping()
    second = start(runner)
    assert [job.record.name for job in second.left] == ["one", "two"]
    assert [job.record.name for job in second.interrupted()] == ["one", "two"]
    runner.finish.set()
    second.resume_all()
    wait_until(second.get(two.id), "finished")


def test_nothing_is_begun_any_more(start, config):
    jobs = start(Stepping())
    assert jobs.end(0)
    late = jobs.submit(config())
    assert late.state == "queued" and jobs.turn.holder is None


def test_who_had_paused_it_finds_it_paused(start, config):
    jobs = start(Stepping())
    job = wait_until(jobs.submit(config()), "preparing")
    job.pause()
    assert jobs.end(10) and job.state == "paused"


def test_what_does_not_come_to_a_step_in_time_is_left_to_its_last_state(start, config):
    class Deaf:
        def __init__(self):
            self.go = threading.Event()

        def run(self, job):
            self.go.wait(20)
            job.end("finished")

    runner = Deaf()
    jobs = start(runner)
    wait_until(jobs.submit(config()), "preparing")
    assert not jobs.end(0.05)
    runner.go.set()


def test_a_real_run_writes_its_state_at_the_step_that_it_has_come_to(host, config):
    jobs = Jobs(host, host.data_folder() / "runs")
    job = jobs.submit(config(steps=2000))
    wait_for(lambda: job.record.step >= 3)
    assert jobs.end(60)
    assert job.state == "queued" and job.state_step == job.record.step >= 3
    jobs.close()
