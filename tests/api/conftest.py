"""The routes on a small application, with the standalone host on a base of random weights."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer import options
from lora_trainer.api import PREFIX, add_routes
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from tests.runs import values


@pytest.fixture(scope="session")
def desk(random_sd1, tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    config = options.build({"base": {"checkpoint": str(random_sd1)}})
    host = StandaloneHost(config.base, config.memory, folder / "loras", folder / "data")
    desk = Desk(host)
    yield desk
    desk.tryouts.close()
    desk.inquiries.close()


@pytest.fixture(scope="session")
def app(desk):
    app = Starlette()
    add_routes(app, desk)
    return app


@pytest.fixture(scope="session")
def client(app):
    return TestClient(app, base_url=f"http://testserver{PREFIX}")


@pytest.fixture(scope="session")
def dataset(client, pictures):
    """A data set of the four pictures, filled through the routes."""
    made = client.post("datasets", json={"name": "zorb"}).json()
    for file in sorted(pictures.iterdir()):
        answer = client.put(f"datasets/{made['id']}/files/{file.name}", content=file.read_bytes()).json()
        assert answer["added"], answer
    return made["id"]


@pytest.fixture
def run_values(random_sd1, pictures, tmp_path):
    """What a page would send for a run of few steps."""

    def make(**more):
        nested = values(random_sd1, pictures, tmp_path / "unused", **more)
        del nested["base"], nested["data"]["folders"], nested["save"]["output"]
        return nested

    return make
