import pytest

from lora_trainer.client import Client, patience
from tests.api.house import made_desk
from tests.client.serving import application, served
from tests.jobs.conftest import wait_for


@pytest.fixture
def desk(tmp_path):
    made = made_desk(tmp_path / "server")
    yield made
    for job in made.jobs.list():
        job.stop()
    wait_for(lambda: made.jobs.turn.holder is None, 90)
    made.jobs.close()


@pytest.fixture
def address(desk):
    with served(application(desk)) as url:
        yield url


@pytest.fixture
def client(address):
    return Client(address)


@pytest.fixture
def hasty(monkeypatch):
    """Broken connections are made again at once."""
    monkeypatch.setattr(patience, "WAITS", (0.01,))
