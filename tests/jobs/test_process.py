"""A run in a process of its own is the run that it would be in place, and nothing of it is lost with that process."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lora_trainer.files.lock import is_held
from lora_trainer.jobs.process import LOG, OwnProcessRunner
from lora_trainer.jobs.queue import Jobs
from lora_trainer.state import newest_step
from tests.runs import same_weights

from .conftest import wait_for, wait_until

ROOT = Path(__file__).parents[2]
RANDOM = {"network__dropout": 0.1, "data__flip": True, "steps": 6}


@pytest.fixture
def apart(host):
    """Jobs that run in processes of their own, which compute as this one does: MKL has not been told otherwise here."""
    environment = {"MKL_CBWR": os.environ.get("MKL_CBWR", "")}
    jobs = Jobs(host, host.data_folder() / "runs", runner=OwnProcessRunner(host, "cpu", environment))
    yield jobs
    for job in jobs.list():
        job.stop()
    wait_for(lambda: not any(job.state in ("preparing", "running", "stopping") for job in jobs.list()))


def process_of(job):
    """The number of the process that runs a job, which it is noted by."""
    log = (job.folder.output / LOG).read_text(encoding="utf-8")
    return int(re.findall(r"process (\d+) on cpu", log)[-1])


def test_it_gives_the_same_file_as_in_place_also_with_a_pause_and_is_published(jobs, apart, host, config):
    plain = wait_until(jobs.submit(config(save__name="plain", **RANDOM)), "finished", "failed")
    job = apart.submit(config(save__name="apart", **RANDOM))
    wait_for(lambda: job.record.step >= 2)
    job.pause()
    wait_until(job, "paused", "failed")
    assert 2 <= job.record.step < 6 and not is_held(job.folder.lock), job.record.message
    job.resume()
    wait_until(job, "finished", "failed")
    assert same_weights(plain.folder.lora, job.folder.lora), job.record.message
    assert (host.lora_folder() / "apart.safetensors").is_file()
    kinds = [event.kind for _, event in job.feed.after(0, 1000)]
    assert kinds.count("started") == 2 and kinds.count("step") == 6
    assert (job.folder.output / LOG).is_file()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_interrupts_its_job_which_goes_on_from_its_last_state(apart, config):
    job = apart.submit(config(steps=500, save__every=2))
    wait_for(lambda: job.has_state)
    os.kill(process_of(job), signal.SIGKILL)
    wait_until(job, "interrupted", "failed")
    assert job.record.message.code == "process_ended" and job.record.message.values["how"] == "SIGKILL"
    assert job.record.step == job.state_step > 0
    job.resume()
    wait_until(job, "running")
    job.stop_and_save()
    wait_until(job, "stopped", "failed")
    assert job.saves()[-1].final


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system sends no signals")
def test_a_service_manager_that_tells_every_process_to_end_leaves_the_pausing_to_the_server(apart, config):
    job = apart.submit(config(steps=500))
    wait_for(lambda: job.record.step >= 1)
    os.kill(process_of(job), signal.SIGTERM)
    step = job.record.step
    wait_for(lambda: job.record.step > step)
    assert apart.end(60) and job.state == "queued" and job.has_state


def test_stopped_while_it_is_prepared_the_process_is_gone_at_once(apart, config):
    job = wait_until(apart.submit(config(steps=500)), "preparing")
    job.stop()
    wait_until(job, "stopped", "failed")
    assert job.state == "stopped" and not job.saves()


def test_what_the_run_raises_is_its_sentence(apart, config, tmp_path):
    (tmp_path / "empty").mkdir()
    job = wait_until(apart.submit(config(data__folders=[str(tmp_path / "empty")])), "failed")
    assert "There are no pictures" in job.record.message


PROGRAM = """
import sys, time
from tests.jobs.test_process import program
program(*sys.argv[1:])
"""


def program(base, pictures, folder):
    """Runs a job for ever, in a process of its own."""
    import time

    from lora_trainer import options
    from lora_trainer.host.standalone import StandaloneHost
    from tests.runs import values

    given = options.build({"base": {"checkpoint": base}})
    host = StandaloneHost(given.base, given.memory, Path(folder) / "loras", Path(folder) / "data")
    jobs = Jobs(host, host.data_folder() / "runs", runner=OwnProcessRunner(host, "cpu"))
    job = jobs.submit(options.build(values(Path(base), Path(pictures), Path("unused"), steps=500)))
    while job.record.step < 3:
        time.sleep(0.01)
    print("ready", flush=True)
    time.sleep(600)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_whose_program_is_killed_keeps_its_state_and_ends(random_sd1, pictures, host):
    folder = host.data_folder().parent
    words = [sys.executable, "-c", PROGRAM, str(random_sd1), str(pictures), str(folder)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "ready\n"
        (lock,) = folder.glob("data/runs/*/zorb.run/lock")
        assert is_held(lock)
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_held(lock), 60)
    step = newest_step(lock.parent / "state")
    assert step >= 3
    (job,) = Jobs(host, host.data_folder() / "runs").list()
    assert (job.state, job.state_step) == ("interrupted", step)
