"""A running job whose owner's time is used up rests at the next step, and goes on by itself when there is time."""

import pytest

from lora_trainer.control import Wish
from lora_trainer.events import Preparing
from lora_trainer.jobs import limits, meter
from lora_trainer.jobs.limits import Limiter, LimitStore
from lora_trainer.jobs.meter import Meter
from lora_trainer.jobs.queue import Jobs

from .conftest import wait_for, wait_until

HOUR = 3600.0


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Stepping:
    """A runner whose every step takes an hour by the clock."""

    def __init__(self, clock):
        self.clock, self.steps, self.steps_before_the_end = clock, 0, 3
        self.filling = lambda: None

    def run(self, job):
        while self.steps < self.steps_before_the_end:
            self.steps += 1
            self.clock.now += HOUR
            self.filling()
            job.take(Preparing(f"hour {self.steps}", 1, 1))
            if job.control.wish is Wish.PAUSE:
                return job.end("paused")
        return job.end("finished")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def runner(clock):
    return Stepping(clock)


@pytest.fixture
def disk():
    """GB that people use."""
    return {}


@pytest.fixture
def store(host):
    return LimitStore(host.data_folder())


@pytest.fixture
def metered(host, store, runner, clock, disk, monkeypatch):
    """Jobs with a meter, and the meter; nothing is looked at by itself."""
    monkeypatch.setattr(meter, "WAKE_EVERY", 1000.0)
    jobs = Jobs(host, host.data_folder() / "runs", runner=runner)
    made = Meter(jobs, Limiter(store, lambda name: 0, lambda name: disk.get(name, 0.0)), clock)
    yield jobs, made
    made.close()
    jobs.close()


def settled(jobs, job, *states):
    """The job, when it is in one of these states and has given the model back: then its time is counted."""
    wait_until(job, *states)
    wait_for(lambda: job not in jobs.workers.running.values())
    return job


def test_at_the_step_where_the_hours_are_used_up_it_rests_and_says_so(metered, store, config, runner):
    jobs, _ = metered
    store.set("bob", {"hours": 2})
    job = settled(jobs, jobs.submit(config(), owner="bob"), "paused", "finished")
    assert (job.state, runner.steps) == ("paused", 2)
    assert (job.record.message.code, job.record.message.values) == ("hours_used_up", {"limit": "2"})
    assert store.month("bob")[0] == 2


def test_it_goes_on_by_itself_when_an_admin_gives_more(metered, store, config):
    jobs, made = metered
    store.set("bob", {"hours": 2})
    job = settled(jobs, jobs.submit(config(), owner="bob"), "paused", "finished")
    made.look_again()
    assert job.state == "paused"
    store.set("bob", {"hours": 9})
    made.look_again()
    settled(jobs, job, "finished")
    assert store.month("bob")[0] == 3


def test_it_goes_on_by_itself_when_the_month_turns(metered, store, config, monkeypatch):
    jobs, made = metered
    store.set("bob", {"hours": 2})
    job = settled(jobs, jobs.submit(config(), owner="bob"), "paused", "finished")
    monkeypatch.setattr(limits, "_month", lambda: "2999-01")
    made.look_again()
    settled(jobs, job, "finished")


def test_whoever_looks_does_so_by_itself_also_in_the_next_program(metered, store, config, host, monkeypatch, runner):
    jobs, made = metered
    store.set("bob", {"hours": 2})
    job = settled(jobs, jobs.submit(config(), owner="bob"), "paused", "finished")
    made.close()
    jobs.close()
    store.set("bob", {"hours": 9})
    monkeypatch.setattr(meter, "WAKE_EVERY", 0.01)
    again = Jobs(host, host.data_folder() / "runs", runner=runner)
    other = Meter(again, Limiter(store, lambda name: 0, lambda name: 0.0), runner.clock)
    settled(again, again.get(job.id), "finished")
    other.close()
    again.close()


def test_whoever_paused_it_has_it_paused(metered, store, config, runner):
    jobs, made = metered
    runner.steps_before_the_end = 10**9
    job = wait_until(jobs.submit(config(), owner="bob"), "preparing")
    job.pause()
    settled(jobs, job, "paused")
    made.look_again()
    assert job.state == "paused" and job.record.message == ""


def test_a_run_that_fills_its_owner_s_disk_rests_until_there_is_room(metered, store, config, runner, disk):
    jobs, made = metered
    store.set("bob", {"disk": 2})
    disk["bob"] = 1.9
    runner.filling = lambda: disk.update(bob=disk["bob"] + 0.1)
    job = settled(jobs, jobs.submit(config(), owner="bob"), "paused", "finished")
    assert (job.state, runner.steps) == ("paused", 1)
    assert (job.record.message.code, job.record.message.values) == ("disk_used_up", {"limit": "2"})
    made.look_again()
    assert job.state == "paused"
    disk["bob"] = 1.0
    made.look_again()
    settled(jobs, job, "finished")


def test_whose_disk_is_used_up_already_does_not_begin(metered, store, config, runner, disk):
    jobs, _ = metered
    store.set("bob", {"disk": 2})
    disk["bob"] = 2.0
    job = settled(jobs, jobs.submit(config(), owner="bob"), "paused", "finished")
    assert (job.state, job.record.message.code, runner.steps) == ("paused", "disk_used_up", 0)


@pytest.mark.parametrize("owner", ["bob", ""])
def test_without_a_limit_or_an_owner_nobody_is_stopped(metered, store, config, owner):
    jobs, _ = metered
    store.set("ann", {"hours": 1})
    settled(jobs, jobs.submit(config(), owner=owner), "finished")
    assert store.month("bob")[0] == (3 if owner else 0)


def test_a_long_run_is_counted_while_it_runs(metered, store, config, clock):
    jobs, made = metered
    job = settled(jobs, jobs.submit(config(), owner="bob"), "finished")
    before = store.month("bob")[0]
    with made.metered(job):
        clock.now += HOUR
        job.at_event()
        assert store.month("bob")[0] == before + 1
    assert store.month("bob")[0] == before + 1


def test_a_damaged_file_of_limits_is_put_aside_and_told(store, host):
    store.set("bob", {"hours": 2})
    file = host.data_folder() / limits.FILE
    file.write_text("{", encoding="utf-8")
    store.set("ann", {"hours": 3})
    assert [name.partition(".damaged")[0] for name in store.damaged()] == [limits.FILE]
    assert set(store.all()) == {"ann"} and (file.with_name(store.damaged()[0])).read_text() == "{"
