"""Jobs on several devices at once: scripted runs, and memory that is only said to be there."""

import threading

import pytest

from lora_trainer.control import Wish
from lora_trainer.jobs import workers
from lora_trainer.jobs.needs import Demand
from lora_trainer.jobs.places import Place
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import FINISHED

from .conftest import wait_for, wait_until

GB = 2**30


class Scripted:
    """A runner that takes steps without a model, until the test lets it end."""

    def __init__(self):
        self.let_go = threading.Event()

    def run(self, job):
        wait_for(lambda: self.let_go.is_set() or job.control.wish is not Wish.GO_ON, 90)
        if job.control.wish is Wish.PAUSE:
            return job.end("paused")
        return job.end("stopped" if job.control.wish is Wish.STOP else FINISHED)


class Machine:
    """Two devices: {name: [free, all]} in GB, and what jobs need by their names."""

    def __init__(self, host):
        self.memory = {"cuda:0": [24, 24], "cuda:1": [8, 8]}
        self.runners = {name: Scripted() for name in self.memory}
        self.needs: dict[str, int] = {}
        self.jobs = Jobs(host, host.data_folder() / "runs", places=self.places)
        self.jobs.workers.needs.ask = self.asked

    def places(self):
        return [
            Place(name, name, runner, own=name == "cuda:0", memory=lambda name=name: self.told(name))
            for name, runner in self.runners.items()
        ]

    def told(self, name):
        return tuple(count * GB for count in self.memory[name])

    def asked(self, config):
        if config.save.name not in self.needs:
            raise RuntimeError("nobody knows")
        return Demand(self.needs[config.save.name] * GB, "Try less.")

    def where(self):
        return {place.name: job.record.name if job else "" for place, job in self.jobs.everywhere()}


@pytest.fixture
def machine(host, monkeypatch):
    monkeypatch.setattr(workers, "LOOK_AGAIN", 0.02)
    machine = Machine(host)
    yield machine
    for job in machine.jobs.list():
        job.stop()
    for runner in machine.runners.values():
        runner.let_go.set()
    machine.jobs.close()


@pytest.fixture
def submit(machine, config):
    def submit(name, gigabytes=None, **more):
        if gigabytes:
            machine.needs[name] = gigabytes
        return machine.jobs.submit(config(save__name=name), **more)

    return submit


def test_one_runs_on_each_device_and_says_where(machine, submit):
    one, two, three = (submit(name, 6) for name in ("one", "two", "three"))
    wait_for(lambda: "" not in machine.where().values())
    assert machine.where() == {"cuda:0": "one", "cuda:1": "two"} and machine.jobs.line() == [three]
    assert (one.record.device, two.record.device, three.record.device) == ("cuda:0", "cuda:1", "")
    machine.runners["cuda:1"].let_go.set()
    wait_until(three, FINISHED)
    assert three.record.device == "cuda:1" and machine.where()["cuda:0"] == "one"


def test_each_waits_for_a_device_that_has_room_and_lets_others_pass(machine, submit):
    first, big, small = submit("first", 6), submit("big", 20), submit("small", 6)
    wait_until(small, "preparing")
    assert small.record.device == "cuda:1" and machine.jobs.line() == [big] and not big.record.message
    first.stop()
    wait_until(big, "preparing")
    assert big.record.device == "cuda:0"


def test_what_fits_no_device_says_so_and_is_tried_when_somebody_insists(machine, submit):
    ended = []
    machine.jobs.on_end.append(ended.append)
    huge, small = submit("huge", 40), submit("small", 6)
    wait_until(huge, "paused")
    wait_until(small, "preparing")
    assert "Needs about 40.0 GB, but the largest device, cuda:0, has 24.0 GB. Try less." in huge.record.message
    wait_for(lambda: ended == [huge])
    small.stop()
    huge.resume()
    wait_until(huge, "preparing")
    assert huge.record.device == "cuda:0" and not huge.record.message


def test_one_that_waits_for_memory_that_others_have_says_so_and_begins_when_it_is_free(machine, submit):
    machine.memory["cuda:0"][0] = 10
    job = submit("zorb", 20)
    wait_for(lambda: job.record.message)
    assert str(job.record.message) == "Waits for room: needs about 20.0 GB, and 10.0 GB are free on cuda:0 now."
    assert job.state == "queued"
    machine.memory["cuda:0"][0] = 22
    wait_until(job, "preparing")
    assert not job.record.message


def test_one_whose_need_is_unknown_is_tried_where_most_is_free(machine, submit):
    machine.memory["cuda:0"][0] = 4
    assert wait_until(submit("zorb"), "preparing").record.device == "cuda:1"


def test_the_least_important_run_steps_aside_and_goes_on_afterwards(machine, submit):
    usual, low = submit("usual", 6), submit("low", 6, priority=-1)
    wait_for(lambda: "" not in machine.where().values())
    urgent = wait_until(submit("urgent", 6, priority=1), "preparing")
    assert machine.where() == {"cuda:0": "usual", "cuda:1": "urgent"} and low.state == "queued"
    urgent.stop()
    wait_until(low, "preparing")
    assert usual.state == "preparing"


def test_while_pictures_are_drawn_on_the_host_s_model_runs_begin_elsewhere(machine, submit):
    with machine.jobs.turn.taken("pictures"):
        first = wait_until(submit("first", 6), "preparing")
        second = submit("second", 6)
        assert first.record.device == "cuda:1" and machine.jobs.wanted_here()
    wait_until(second, "preparing")
    assert second.record.device == "cuda:0" and machine.jobs.turn.holder.job == second.id


def test_after_so_many_passes_a_device_is_kept_free(machine, submit, monkeypatch):
    monkeypatch.setattr(workers, "PASSES", 2)
    machine.memory["cuda:0"][0] = 10
    machine.runners["cuda:0"].let_go.set()
    big = submit("big", 20)
    wait_for(lambda: big.record.message)
    for name in ("one", "two"):
        wait_until(submit(name, 9), FINISHED)
    three = submit("three", 9)
    with pytest.raises(AssertionError, match="in vain"):
        wait_for(lambda: three.state != "queued", 0.3)
    machine.memory["cuda:0"][0] = 24
    wait_until(big, FINISHED)
    wait_until(three, FINISHED)
