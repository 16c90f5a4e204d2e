"""A server that others reach, with a user, an admin, a data set and a run; and around it what nobody may touch."""

import io
import threading

import pytest
from PIL import Image
from starlette.applications import Starlette

from lora_trainer import options
from lora_trainer.api import add_routes, keep_private
from lora_trainer.datasets.roots import Roots
from lora_trainer.datasets.store import DataSets
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.jobs.desk import Desk
from lora_trainer.jobs.queue import Jobs
from lora_trainer.visitor import ADMIN, USER, Visitor

from .asking import ask
from .watching import picture_of, watching

SECRET = b"what lies outside"


class Idle:
    """Runs nothing: a job stays as it was lined up."""

    def run(self, job):
        job.end("finished")


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A disk: `private` is the server's, `outside` has a secret, a picture, and a folder of somebody's pictures."""
    ground = tmp_path_factory.mktemp("disk")
    (ground / "outside" / "pictures").mkdir(parents=True)
    (ground / "outside" / "secret.txt").write_bytes(SECRET)
    (ground / "outside" / "pictures" / "cat.png").write_bytes(png())
    (ground / "outside" / "pictures" / "cat.txt").write_bytes(SECRET)
    return ground


@pytest.fixture(scope="module")
def desk(ground):
    config = options.build({"base": {"checkpoint": "pocket"}})
    private = ground / "private"
    host = StandaloneHost(config.base, config.memory, private / "loras", private / "data")
    roots = Roots([private / "data" / "datasets", private / "data" / "runs", private / "loras"])
    desk = Desk(
        host,
        datasets=DataSets(private / "data" / "datasets", roots),
        jobs=Jobs(host, host.data_folder() / "runs", runner=Idle()),
    )
    desk.habits.turn(grid_at_end=False)
    yield desk
    desk.jobs.close()
    desk.tryouts.close()
    desk.inquiries.close()
    desk.notices.close()


@pytest.fixture(scope="module")
def app(desk):
    """The routes. The header x-name stands for a sign-in that nobody forges; 'root' is an admin."""

    def guard(request):
        name = request.headers.get("x-name", "")
        return Visitor(name, ADMIN if name == "root" else USER) if name else False

    app = Starlette()
    keep_private(app, desk.host.data_folder)
    add_routes(app, desk, guard)
    return app


@pytest.fixture(scope="module")
def root(app):
    """Ask as the admin: whatever a user may not ask, an admin may, and shall not hurt the machine with it either."""
    return lambda method, path, **more: ask(app, method, path, **{**more, "headers": [named("root"), *headers(more)]})


@pytest.fixture(scope="module")
def eve(app):
    """Ask as a user."""
    return lambda method, path, **more: ask(app, method, path, **{**more, "headers": [named("eve"), *headers(more)]})


@pytest.fixture(scope="module")
def dataset(root):
    """A data set of one picture with a caption, which is the admin's."""
    made = root("POST", "/datasets", body=b'{"name": "zorb"}').json()["id"]
    assert root("PUT", f"/datasets/{made}/files/a.png", body=png()).json()["added"] == ["a.png"]
    assert root("PUT", f"/datasets/{made}/files/a.txt", body=b"a zorb").json()["added"] == ["a.txt"]
    return made


@pytest.fixture(scope="module")
def job(desk, root, dataset):
    """A run that has ended."""
    answer = root(
        "POST", "/jobs", body=b'{"values": {"save.name": "zorb", "steps": 1}, "dataset": "%s"}' % dataset.encode()
    )
    assert answer.status == 200, answer.body
    return answer.json()["id"]


@pytest.fixture
def unharmed(ground, desk, root):
    """Around an attack: nothing outside the server's own folder is looked at or changed, and the server answers."""
    private, outside = ground / "private", ground / "outside"
    before = picture_of(outside)
    _let_others_finish()
    with watching(private) as watch:
        yield watch
    assert watch.seen == []
    assert picture_of(outside) == before
    assert {path.name for path in ground.iterdir()} == {"outside", "private"}
    assert root("GET", "/session").json()["name"] == "root"


def _let_others_finish():
    """The grid of a run of other tests is drawn when nobody waits for it: it is not what an attack has done."""
    for thread in threading.enumerate():
        if thread.name == "train-lora try-out":
            thread.join(120)


def png(side=64, **more):
    file = io.BytesIO()
    Image.new("RGB", (side, side), (200, 30, 30)).save(file, "PNG", **more)
    return file.getvalue()


def named(name):
    return ("x-name", name)


def headers(more):
    return more.get("headers", ())
