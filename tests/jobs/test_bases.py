"""The base vanishes, is replaced or moved while a run waits or rests: it never trains on what nobody asked for."""

import pytest

from lora_trainer.errors import BaseModelError
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.runner import InPlaceRunner
from lora_trainer.jobs.states import FINISHED, PAUSED
from lora_trainer.jobs.telling import end_notice

from .conftest import wait_until


@pytest.fixture
def trained(monkeypatch):
    """The runner that every user has, but for the training itself; names what was trained."""
    names = []

    def train(self, job):
        names.append(job.record.name)

    monkeypatch.setattr(InPlaceRunner, "_follow", train)
    monkeypatch.setattr(InPlaceRunner, "_outcome", lambda self, job, last: {"state": FINISHED})
    return names


@pytest.fixture
def start(light_host, trained):
    made = []

    def begin():
        for jobs in made:
            jobs.close()
        made[:] = [Jobs(light_host, light_host.data_folder() / "runs")]
        return made[0]

    yield begin
    made[0].close()


@pytest.fixture
def paused(light_host, start):
    """(jobs, a job that rests)."""
    jobs = start()
    with jobs.turn.taken("somebody else"):
        job = jobs.submit(light_host.config())
        job.pause()
    return jobs, job


def goes_on(job):
    job.resume()
    return wait_until(job, PAUSED, FINISHED)


def vanished(light_host):
    light_host.base.unlink()


def replaced(light_host):
    light_host.base.write_bytes(b"another base " * 1000)


def changed_for_another(light_host):
    light_host.base = light_host.base.with_name("other.safetensors")
    light_host.base.write_bytes(b"another base " * 1000)


@pytest.mark.parametrize(
    ("harm", "code"), [(vanished, "base_gone"), (replaced, "base_replaced"), (changed_for_another, "base_other")]
)
def test_a_run_waits_for_its_base_and_says_what_to_do(light_host, paused, trained, harm, code):
    _, job = paused
    content, base = light_host.base.read_bytes(), light_host.base
    harm(light_host)
    goes_on(job)
    assert (job.state, job.record.message.code, trained) == (PAUSED, code, [])
    assert "clone this run" in job.record.message and end_notice(job).occasion == "waiting"
    base.write_bytes(content)
    light_host.base = base
    assert goes_on(job).state == FINISHED and trained == ["zorb"]


def test_a_clone_is_for_the_base_that_is_there_now(light_host, paused, trained):
    jobs, job = paused
    replaced(light_host)
    clone = jobs.submit(job.config)
    assert wait_until(clone, FINISHED, PAUSED).state == FINISHED and clone.record.base != job.record.base


def test_a_run_that_waits_in_line_while_its_base_is_replaced_holds_up_nobody(light_host, start, trained):
    jobs = start()
    with jobs.turn.taken("somebody else"):
        first = jobs.submit(light_host.config("first"))
        replaced(light_host)
        second = jobs.submit(light_host.config("second"))
    wait_until(second, FINISHED)
    assert first.state == PAUSED and trained == ["second"]


def test_the_same_file_in_another_place_is_the_same_base(light_host, paused, trained):
    _, job = paused
    light_host.base = light_host.base.rename(light_host.base.with_name("moved.safetensors"))
    assert goes_on(job).state == FINISHED
    assert job.config.base.checkpoint == job.record.base["path"] == str(light_host.base)


def test_it_holds_over_the_end_of_the_program(light_host, paused, start, trained):
    _, job = paused
    replaced(light_host)
    again = start().get(job.id)
    assert goes_on(again).record.message.code == "base_replaced" and trained == []


def test_a_host_without_any_base_lets_its_runs_wait(light_host, paused, trained, monkeypatch):
    _, job = paused

    def none():
        raise BaseModelError("The WebUI has no checkpoint.")

    monkeypatch.setattr(light_host, "describe", none)
    goes_on(job)
    assert (job.state, job.record.message) == (PAUSED, "The WebUI has no checkpoint.")


def test_a_run_of_an_earlier_version_takes_the_base_that_is_there_for_its_own(light_host, paused, trained):
    _, job = paused
    job.change(base={})
    assert goes_on(job).state == FINISHED and job.record.base["path"] == str(light_host.base)
