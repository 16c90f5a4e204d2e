"""The states of a job: which may follow which, what every control makes of each, and many hands at once."""

import random
import threading

import pytest

from lora_trainer.errors import NotFound, UserError
from lora_trainer.jobs.job import Job
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.states import ENDED, NEXT, ON_THE_MODEL

from .conftest import wait_for, wait_until
from .light import LightHost, Quick, Waiting, lone_job

TABLE = {
    "queued": "preparing paused stopping stopped interrupted",
    "preparing": "running paused stopping stopped finished failed interrupted",
    "running": "paused stopping stopped finished failed interrupted",
    "paused": "queued stopping stopped",
    "stopping": "paused stopped finished failed interrupted",
    "finished": "queued",
    "stopped": "queued",
    "failed": "queued",
    "interrupted": "queued stopping stopped",
}
CONTROLS = {
    # with a state on disk: pause, resume, stop, stop_and_save
    "queued": "paused queued stopped stopping",
    "preparing": "preparing preparing stopping stopping",
    "running": "running running stopping stopping",
    "paused": "paused queued stopped stopping",
    "stopping": "stopping stopping stopping stopping",
    "finished": "finished finished finished finished",
    "stopped": "stopped queued stopped stopped",
    "failed": "failed queued failed failed",
    "interrupted": "interrupted queued stopped stopping",
}
NAMES = ("pause", "resume", "stop", "stop_and_save")


def test_there_are_nine_states():
    assert set(NEXT) == set(TABLE) and {state for states in NEXT.values() for state in states} == set(TABLE)


@pytest.mark.parametrize("before", TABLE)
@pytest.mark.parametrize("after", TABLE)
def test_a_job_changes_as_the_table_says_and_in_no_other_way(tmp_path, before, after):
    job = lone_job(tmp_path, state=before)
    if after == before or after in TABLE[before].split():
        job.change(state=after)
        assert job.state == after
    else:
        with pytest.raises(ValueError, match=f"{before} cannot become {after}"):
            job.change(state=after)
        assert job.state == before


@pytest.mark.parametrize("state", CONTROLS)
@pytest.mark.parametrize("control", NAMES)
def test_every_control_may_be_given_in_every_state_and_twice(tmp_path, state, control):
    job = lone_job(tmp_path, state=state)
    job.folder.states.mkdir(parents=True)
    (job.folder.states / "step00000003.safetensors").touch()
    getattr(job, control)()
    wanted = CONTROLS[state].split()[NAMES.index(control)]
    assert job.state == wanted
    getattr(job, control)()
    assert job.state == CONTROLS[wanted].split()[NAMES.index(control)] or job.state == wanted


@pytest.mark.parametrize("state", TABLE)
def test_only_what_has_ended_well_is_trained_further(tmp_path, state):
    job = lone_job(tmp_path, state=state)
    job.folder.states.mkdir(parents=True)
    (job.folder.states / "step00000003.safetensors").touch()
    if state in ("finished", "stopped"):
        job.more(5)
        assert job.state == "queued"
    else:
        with pytest.raises(UserError, match="has ended"):
            job.more(5)


def test_who_stops_a_run_that_is_just_being_paused_has_it_stopped(tmp_path):
    job = lone_job(tmp_path, state="running")
    job.pause()
    job.stop()
    job.end("paused")
    assert job.state == "stopped"


def test_who_wishes_a_save_of_a_run_that_is_just_being_paused_gets_it(tmp_path):
    lined_up = []
    job = lone_job(tmp_path, lined_up.append, state="running")
    job.folder.states.mkdir(parents=True)
    (job.folder.states / "step00000003.safetensors").touch()
    job.pause()
    job.stop_and_save()
    job.end("paused")
    assert job.state == "stopping" and lined_up == [job]


@pytest.fixture
def jobs_of(tmp_path):
    host, made = LightHost(tmp_path), []

    def start(runner):
        made.append(Jobs(host, host.data_folder() / "runs", runner=runner))
        return host, made[-1]

    yield start
    for jobs in made:
        jobs.close()


def test_a_job_that_was_paused_in_line_comes_last_when_it_goes_on_and_nobody_waits_for_it(jobs_of):
    runner = Waiting()
    host, jobs = jobs_of(runner)
    wait_until(jobs.submit(host.config("running"), priority=9), "preparing")  # nobody here lets it step aside
    one, two = (jobs.submit(host.config(name)) for name in ("one", "two"))
    one.pause()
    assert jobs.line() == [two]
    one.resume()
    assert jobs.line() == [two, one]


def test_a_job_that_rests_lets_no_other_step_aside(jobs_of):
    runner = Waiting()
    host, jobs = jobs_of(runner)
    running = wait_until(jobs.submit(host.config("running")), "preparing")
    one = jobs.submit(host.config("one"))
    one.pause()
    jobs.prefer(one, 5)
    jobs.submit(host.config("two"))
    assert not running.steps_aside


def test_what_is_deleted_cannot_be_begun_by_who_still_looks_at_it(jobs_of):
    host, jobs = jobs_of(Waiting())
    job = jobs.submit(host.config())
    wait_until(job, "preparing")
    job.pause()
    wait_until(job, "paused")
    wait_for(lambda: not jobs.workers.running)
    jobs.delete(job)
    jobs.delete(job)
    with pytest.raises(NotFound, match="no run"):
        job.resume()
    assert jobs.list() == [] and not jobs.waiting()


def test_two_hands_at_once_lose_no_job_and_break_no_rule(jobs_of, caplog):
    """Each gives 200 orders in an order of its own; whatever they wish, every job ends in a legal way, or is gone."""
    chance = random.Random(3)
    runner = Quick(lambda: chance.uniform(0, 0.01))
    host, jobs = jobs_of(runner)
    watched, broken, deleted = {}, [], set()
    for number in range(4):
        watch(jobs.submit(host.config(f"zorb-{number}")), watched, broken)
    hands = [threading.Thread(target=busy, args=(host, jobs, seed, watched, broken, deleted)) for seed in (1, 2)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join(60)
        assert not hand.is_alive(), "two of them wait for each other"
    for job in jobs.list():
        job.resume()
    wait_for(lambda: all(job.state in ENDED for job in jobs.list()), 90)
    assert broken == [] and not [one for one in caplog.records if one.levelname == "ERROR"]
    assert {job.id for job in jobs.list()} == watched.keys() - deleted and not jobs.waiting()
    assert runner.most == 1


def busy(host, jobs, seed, watched, broken, deleted):
    chance = random.Random(seed)
    for number in range(200):
        try:
            one_order(host, jobs, chance, f"{seed}-{number}", watched, broken, deleted)
        except UserError:  # a sentence, as the other hand was quicker
            continue
        except Exception as error:  # noqa: BLE001  whatever it is, it is told
            broken.append(repr(error))


def one_order(host, jobs, chance, name, watched, broken, deleted):
    known = jobs.list()
    job = chance.choice(known) if known else None
    order = chance.choice(["pause", "resume", "stop", "stop_and_save", "move", "prefer", "delete", "clone", "look"])
    if job is None or (order == "clone" and len(known) < 8):
        watch(jobs.submit(host.config(name), priority=chance.randint(-1, 1)), watched, broken)
    elif order in NAMES:
        getattr(job, order)()
    elif order == "move":
        jobs.move(job, chance.choice([*jobs.line(), None]))
    elif order == "prefer":
        jobs.prefer(job, chance.randint(-1, 2))
    elif order == "delete" and job.state not in ON_THE_MODEL:
        jobs.delete(job)
        deleted.add(job.id)
    else:
        jobs.current()


def watch(job, watched, broken):
    """Note every change of state that the table does not know."""
    kept, last = Job.change, [job.state]
    watched[job.id] = job

    def change(**values):
        with job._lock:
            before = job.state
            kept(job, **values)
            if job.state != before and job.state not in TABLE[before].split():
                broken.append((before, job.state))
            last.append(job.state)

    job.change = change


def test_a_run_that_has_just_ended_can_be_deleted_at_once(jobs_of):
    host, jobs = jobs_of(Quick())
    jobs.on_end.append(lambda job: threading.Event().wait(0.2))
    job = wait_until(jobs.submit(host.config()), "finished")
    jobs.delete(job)
    assert jobs.list() == []
