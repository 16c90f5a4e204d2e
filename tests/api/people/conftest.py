"""A desk that several people use, without a base that is ever lent: runs wait as long as a test wants."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer import options
from lora_trainer.api import PREFIX, add_routes
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from lora_trainer.visitor import ADMIN, USER, Visitor
from tests.jobs.light import Patient

BASE = f"http://testserver{PREFIX}"


@pytest.fixture
def runner():
    made = Patient()
    yield made
    made.go.set()


@pytest.fixture
def desk(tmp_path, runner):
    config = options.build({"base": {"checkpoint": "pocket"}})
    host = StandaloneHost(config.base, config.memory, tmp_path / "loras", tmp_path / "data")
    made = Desk(host, jobs=Jobs(host, host.data_folder() / "runs", runner=runner))
    yield made
    runner.go.set()
    made.meter.close()  # else it looks at this desk's files while others' tests run
    made.jobs.close()


@pytest.fixture
def people(desk):
    """A client for each name; 'root' is an admin. Nobody forges the header here: it stands for any sign-in."""
    app = Starlette()
    add_routes(app, desk, lambda request: Visitor(request.headers["x-name"], role_of(request.headers["x-name"])))
    return lambda name: TestClient(app, base_url=BASE, headers={"x-name": name})


@pytest.fixture
def ann(people):
    return people("ann")


@pytest.fixture
def bob(people):
    return people("bob")


@pytest.fixture
def root(people):
    """The admin."""
    return people("root")


def role_of(name):
    return ADMIN if name == "root" else USER
