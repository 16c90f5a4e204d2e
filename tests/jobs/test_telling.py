"""What of a run's life is told to people who are elsewhere."""

from types import SimpleNamespace

import pytest

from lora_trainer import options
from lora_trainer.events import Finished, Step
from lora_trainer.jobs.job import Job
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.record import Record
from lora_trainer.jobs.states import FAILED, FINISHED, PAUSED, PREPARING, QUEUED, STOPPED
from lora_trainer.jobs.store import JobStore
from lora_trainer.jobs.telling import Telling

STEP = Step(40, 1, 0.2, 0.125, {"unet": 1e-4}, 0.1, 0.2, 0.0, 1000)


@pytest.fixture
def job():
    def make(state, **more):
        made = Job(Record("1", "zorb", {}, state=PREPARING, step=40, total_steps=40), options.build({}), lambda _: None)
        made.feed.append(STEP)
        made.feed.append(Finished(40, "zorb.safetensors", 0, "", 65.0))
        made.end(state, **more)
        return made

    return make


@pytest.fixture
def told():
    """(what a telling was told, the telling, a line that waits or not)."""
    notices = []
    line = SimpleNamespace(left=[], waits=False, waiting=lambda: line.waits, everywhere=list)
    return notices, Telling(line, SimpleNamespace(tell=notices.append)), line


@pytest.mark.parametrize("state", [FINISHED, STOPPED, FAILED])
def test_the_end_of_a_run_is_told_with_its_numbers(job, told, state):
    notices, telling, _ = told
    telling.of_end(job(state))
    (notice,) = notices
    assert notice.occasion == state and "'zorb'" in notice.title
    assert notice.text == "40 of 40 steps in 1:05, smoothed loss 0.1250."
    assert notice.facts["job"] == "1" and notice.facts["loss"] == 0.125


def test_a_run_whose_base_is_away_needs_somebody(job, told):
    notices, telling, _ = told
    telling.of_end(job(PAUSED, message="Another checkpoint is selected."))
    assert [(notice.occasion, notice.sentences[0]) for notice in notices] == [
        ("waiting", "Another checkpoint is selected.")
    ]


def test_a_pause_that_somebody_wished_or_a_more_important_run_is_not_told(job, told):
    notices, telling, _ = told
    telling.of_end(job(PAUSED))
    aside = job(PAUSED, message="for another one")
    aside.steps_aside = True
    telling.of_end(aside)
    assert notices == []


def test_an_empty_line_is_told_once_when_several_runs_have_ended(job, told):
    notices, telling, line = told
    line.waits = True
    telling.of_end(job(FINISHED))
    telling.of_end(job(FAILED))
    line.waits = False
    telling.of_end(job(FINISHED))
    telling.of_end(job(FINISHED))
    assert [notice.occasion for notice in notices] == ["finished", "failed", "finished", "empty", "finished"]
    assert notices[3].text == "3 runs have ended: 2 finished, 0 stopped, 1 failed."


def test_what_the_end_of_a_program_left_is_told_at_the_next_start_and_not_again(tmp_path):
    store = JobStore(tmp_path)
    for name, state in (("a", PREPARING), ("b", QUEUED), ("c", FINISHED)):
        store.put(Record(name, f"run {name}", {}, {"save": {"name": name}}, state=state))
    store.close()
    notices = []
    for _ in range(2):
        jobs = Jobs(SimpleNamespace(), tmp_path / "runs")
        Telling(jobs, SimpleNamespace(tell=notices.append))
        jobs.close()
    (notice,) = notices
    assert notice.occasion == "interrupted" and "run a, run b" in notice.text and notice.facts["jobs"] == ["a", "b"]


def test_a_listener_that_fails_keeps_no_other_from_hearing(job, tmp_path):
    jobs, heard = Jobs(SimpleNamespace(), tmp_path / "runs"), []
    jobs.on_end += [lambda _: 1 / 0, heard.append]
    ended = job(FINISHED)
    jobs._tell_of_end(ended)
    jobs.close()
    assert heard == [ended]
