"""A desk whose runs wait, and what is told at its socket."""

import pytest

from lora_trainer import options
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from tests.jobs.light import Patient

from .listening import served, submitted


@pytest.fixture
def desk(tmp_path):
    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, tmp_path / "loras", tmp_path / "data")
    teller = Patient()
    made = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=teller))
    yield made
    teller.go.set()
    made.jobs.close()


@pytest.fixture
def job(desk, pictures):
    return submitted(desk, pictures)


@pytest.fixture
def client(desk):
    return served(desk)
