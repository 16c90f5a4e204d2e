"""Jobs on a base of random weights."""

import time

import pytest

from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.queue import Jobs
from tests.runs import values


@pytest.fixture
def host(random_sd1, tmp_path):
    config = options.build({"base": {"checkpoint": str(random_sd1)}})
    return StandaloneHost(config.base, config.memory, tmp_path / "loras", tmp_path / "data")


@pytest.fixture
def light_host(tmp_path):
    from .light import LightHost  # which waits as is said below

    return LightHost(tmp_path)


@pytest.fixture
def jobs(host):
    return Jobs(host, host.data_folder() / "runs")


@pytest.fixture
def config(random_sd1, pictures, tmp_path):
    """Makes the options of a run of few steps."""

    def make(**more):
        return options.build(values(random_sd1, pictures, tmp_path / "unused", **more))

    return make


def wait_for(condition, seconds=300.0):
    """Wait until `condition()` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def wait_until(job, *states):
    wait_for(lambda: job.state in states)
    return job


def die(jobs):
    """What the end of a process leaves: no lock is held, and nothing more is written."""
    for job in jobs.list():
        job.listener = lambda _: None
        job.stop()
    jobs.close()
