"""Two runs at once in processes of their own on the embedded base; one is killed, and both end as if alone."""

import os
import signal

import pytest

from lora_trainer import options
from lora_trainer.config import BaseOptions, MemoryOptions
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.places import places_of
from lora_trainer.jobs.queue import Jobs
from lora_trainer.jobs.runner import InPlaceRunner
from tests.jobs.conftest import wait_for, wait_until
from tests.jobs.test_process import process_of
from tests.runs import same_weights, values

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"),
]


@pytest.fixture
def jobs(tmp_path):
    """Jobs on two places on the CPU beside the host's own, which is left alone."""
    host = StandaloneHost(BaseOptions(checkpoint="pocket"), MemoryOptions(), tmp_path / "loras", tmp_path / "data")
    jobs = Jobs(
        host, tmp_path / "data" / "runs", places=lambda: places_of(host, InPlaceRunner(host), ["cpu", "cpu"])[1:]
    )
    yield jobs
    for job in jobs.list():
        job.stop()
    wait_for(lambda: not jobs.workers.running)
    jobs.close()


def test_two_processes_run_at_once_and_the_death_of_one_is_no_loss(jobs, pictures, tmp_path):
    def submit(name):
        more = {"save__name": name, "steps": 24, "save__every": 4, "network__dropout": 0.1}
        return jobs.submit(options.build(values("pocket", pictures, tmp_path / "unused", **more)))

    killed, other, third = (submit(name) for name in ("killed", "other", "third"))
    wait_for(lambda: killed.has_state and other.record.step >= 2)
    assert (killed.state, other.state, third.state) == ("running", "running", "queued")
    assert process_of(killed) != process_of(other)
    os.kill(process_of(killed), signal.SIGKILL)
    wait_until(killed, "interrupted", "failed")
    assert killed.record.message.code == "process_ended"
    wait_until(third, "running")
    assert third.record.device == killed.record.device and other.state in ("running", "finished")
    killed.resume()
    for job in (killed, other, third):
        wait_until(job, "finished", "failed", "interrupted")
        assert (job.state, job.record.step) == ("finished", 24), job.record.message
    assert same_weights(killed.folder.lora, other.folder.lora) and same_weights(other.folder.lora, third.folder.lora)
