"""A program ends in the middle of everything, and another one starts on the same folder."""

import pytest

from lora_trainer.control import Wish
from lora_trainer.errors import UserError
from lora_trainer.events import Saved, Step
from lora_trainer.jobs import recovery
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.record import Record, Save
from lora_trainer.jobs.states import FINISHED, INTERRUPTED

from .conftest import die, wait_for, wait_until


class Scripted:
    """A runner that takes steps without a model, until the test lets it end."""

    def __init__(self, *, ends=True):
        self.ends, self.begun, self.ran = ends, [], []

    def run(self, job):
        self.begun.append(job.record.name)
        wait_for(lambda: self.ends or job.control.wish is not Wish.GO_ON)
        if job.control.wish is Wish.PAUSE:
            return job.end("paused")
        self.ran.append(job.record.name)
        return job.end("stopped" if job.control.wish is Wish.STOP else FINISHED)


@pytest.fixture
def programs(host):
    """Starts programs on one folder; `die` is how one of them ends."""
    made = []

    def start(runner=None):
        made.append(Jobs(host, host.data_folder() / "runs", runner=runner or Scripted()))
        return made[-1]

    yield start
    for jobs in made:
        jobs.close()


def names(jobs):
    return [job.record.name for job in jobs]


def test_what_ran_and_what_waited_is_there_again_and_goes_on_in_its_order(programs, config):
    first = programs(Scripted(ends=False))
    for name in ("one", "two", "three"):
        first.submit(config(save__name=name))
    wait_until(first.list()[-1], "preparing")
    first.move(first.get(first.line()[1].id), before=first.line()[0])
    die(first)
    runner = Scripted()
    second = programs(runner)
    assert [(job.record.name, job.state) for job in second.list()[::-1]] == [
        ("one", INTERRUPTED),
        ("two", INTERRUPTED),
        ("three", INTERRUPTED),
    ]
    assert {job.record.message.code for job in second.list()} == {"left_beginning", "left_waiting"}
    second.resume_all()
    wait_for(lambda: {job.state for job in second.list()} == {FINISHED})
    assert runner.ran == ["one", "three", "two"]


def test_what_was_reported_saved_is_known_to_the_next_program(programs, config):
    first = programs(Scripted(ends=False))
    job = wait_until(first.submit(config()), "preparing")
    job.take(Saved(2, "zorb-step000002.safetensors", "0"))
    die(first)
    assert programs().get(job.id).record.saves == (Save("zorb-step000002.safetensors", 2, False),)


def test_a_run_that_is_interrupted_ends_as_if_nothing_had_been(host, config, programs, same_weights_of):
    plain = programs(None)
    undisturbed = wait_until(real(plain, host).submit(config(save__name="plain", steps=6, save__every=2)), "finished")
    first = real(programs(None), host)
    job = first.submit(config(save__name="cut", steps=6, save__every=2))
    wait_for(lambda: job.state_step >= 2)
    job.listener = lambda _: None
    job.stop()
    wait_until(job, "stopped")
    die(first)
    second = real(programs(None), host)
    again = second.get(job.id)
    assert again.state == INTERRUPTED and again.record.message.values["step"] == again.state_step
    seen = again.feed.id
    assert [event.step for _, event in again.feed.after(0) if isinstance(event, Step)][:2] == [1, 2]
    again.resume()
    wait_until(again, "finished", "failed")
    assert seen != job.feed.id and same_weights_of(undisturbed, again)


def real(jobs, host):
    """The program with the runner that every user has."""
    from lora_trainer.jobs.runner import InPlaceRunner

    jobs._runner = InPlaceRunner(host)
    return jobs


@pytest.fixture
def same_weights_of():
    from tests.runs import same_weights

    return lambda one, other: same_weights(one.folder.lora, other.folder.lora)


def test_two_programs_on_one_folder_run_no_job_twice(programs, config):
    first, second = programs(), programs()
    done = wait_until(first.submit(config()), FINISHED)
    assert programs().list() == [] and second.list() == []
    die(first)
    assert [job.id for job in programs().list()] == [done.id]


def test_an_option_that_a_new_version_does_not_know_keeps_a_job_from_going_on(programs, config, monkeypatch):
    first = programs(Scripted(ends=False))
    job = wait_until(first.submit(config()), "preparing")
    die(first)
    known = recovery.options.read
    monkeypatch.setattr(recovery.options, "read", lambda values: (known(values)[0], ["'sauce' is gone."]))
    again = programs().get(job.id)
    with pytest.raises(UserError, match="sauce"):
        again.resume()
    assert again.state == INTERRUPTED


def test_a_record_that_makes_no_job_keeps_no_other_from_being_there(programs, config):
    first = programs()
    job = wait_until(first.submit(config()), FINISHED)
    first._store.put(Record("20260101-000000-aaaa", "", {}))
    die(first)
    assert [one.id for one in programs().list()] == [job.id]


def test_a_list_that_cannot_be_kept_takes_no_new_job_and_says_why(host, config):
    host.data_folder().mkdir(parents=True)
    (host.data_folder() / "keepers").write_text("a file in the way")
    jobs = Jobs(host, host.data_folder() / "runs")
    with pytest.raises(UserError, match="cannot be kept"):
        jobs.submit(config())
    assert jobs.list() == [] and "cannot be kept" in jobs.problem


def test_a_disk_that_fills_up_stops_no_run(programs, config, monkeypatch):
    jobs = programs(Scripted(ends=False))
    job = wait_until(jobs.submit(config()), "preparing")

    def full(record):
        raise UserError("No space left.")

    monkeypatch.setattr(jobs._store, "put", full)
    job.take(Saved(2, "zorb-step000002.safetensors", "0"))
    assert job.record.saves and jobs.problem == "No space left."
    monkeypatch.undo()
    job.take(Saved(3, "zorb-step000003.safetensors", "0"))
    assert jobs.problem == ""


def test_the_more_important_job_has_the_model_first_and_the_other_goes_on_after_it(programs, config):
    runner = Scripted(ends=False)
    jobs = programs(runner)
    usual = wait_until(jobs.submit(config(save__name="usual")), "preparing")
    jobs.submit(config(save__name="later"))
    jobs.submit(config(save__name="urgent"), priority=1)
    wait_for(lambda: "urgent" in runner.begun)
    assert usual.state == "queued" and names(jobs.line()) == ["usual", "later"]
    runner.ends = True
    wait_for(lambda: {job.state for job in jobs.list()} == {FINISHED})
    assert runner.ran == ["urgent", "usual", "later"]


def test_a_run_that_somebody_paused_does_not_go_on_after_a_more_important_one(programs, config):
    runner = Scripted(ends=False)
    jobs = programs(runner)
    usual = wait_until(jobs.submit(config(save__name="usual")), "preparing")
    usual.pause()
    urgent = jobs.submit(config(save__name="urgent"), priority=1)
    wait_until(usual, "paused")
    runner.ends = True
    wait_until(urgent, FINISHED)
    assert usual.state == "paused"


def test_a_deleted_job_takes_its_files_with_it_and_a_running_one_stays(programs, host, config):
    runner = Scripted(ends=False)
    jobs = programs(runner)
    job = wait_until(jobs.submit(config()), "preparing")
    job.folder.samples.mkdir(parents=True)
    with pytest.raises(UserError, match="stop it first"):
        jobs.delete(job)
    job.stop()
    wait_until(job, "stopped")
    wait_for(lambda: not jobs.workers.running)
    jobs.delete(job)
    assert jobs.list() == [] and not (host.data_folder() / "runs" / job.id).exists()
    die(jobs)
    assert programs().list() == []


def test_only_who_waits_can_be_moved(programs, config):
    jobs = programs(Scripted(ends=False))
    running = wait_until(jobs.submit(config(save__name="one")), "preparing")
    waits = jobs.submit(config(save__name="two"))
    with pytest.raises(UserError, match="wait"):
        jobs.move(waits, before=running)
    with pytest.raises(UserError, match="wait"):
        jobs.move(running)
