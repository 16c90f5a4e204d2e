"""Whatever a user makes of the specification breaks nothing, tells nothing of others, and changes nothing of theirs."""

import itertools
import json

import pytest

pytest.importorskip("schemathesis")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.visitor import USER, Visitor
from tests.api.fuzzing import FEW, OPERATIONS, SOME, answer_to, is_for_admins, tried
from tests.api.house import House
from tests.api.people.begun import line_up

SUBJECTS = {
    "jobs": "20261101-093000-5f1c",
    "datasets": "cats-4f1d",
    "tryouts": "3f9ac2d1e0b4",
    "captionings": "caption-5a1e",
    "regularizations": "class-77d0",
    "inquiries": "inquiry-03bf",
    "history": "20261101-093000-5f1c",
    "presets": "mine",
}
"""What a house has of each kind, by its name in examples."""
NAMES = ("my_cat", "other_cat", "endless", "phone")
"""Of what is others' there; no word of the program's own."""
LISTS = ("jobs", "datasets", "captionings", "regularizations", "presets", "notices", "people", "history?archived=all")
OPEN = [one for one in OPERATIONS if not is_for_admins(one)]


class Others:
    """A house that is others', in which bob has a data set and a run that waits."""

    def __init__(self, folder, pictures):
        self.house = House(folder, pictures)
        self.house.desk.advisor.outlook = self.house.desk.advisor.fits  # it takes seconds
        self.app = Starlette()
        add_routes(self.app, self.house.desk, lambda request: Visitor("bob", USER))
        self.bob = TestClient(self.app, base_url=f"http://testserver{PREFIX}")
        job = line_up(self.bob, "bobs", pictures)
        self.own = {"jobs": job["id"], "history": job["id"], "datasets": job["dataset"]}
        ids = [known for example, known in self.house.known.items() if not example.startswith("/")]
        self.secrets = [one for one in (*ids, *NAMES) if one not in ("backup-1", "undo-1")]
        self._turns = itertools.count()

    def ask(self, case):
        """Send a case: about something of another's, of bob's own, or as it was thought of, in turns."""
        subject, turn = case.path.split("/")[1], next(self._turns) % 3
        if "{id}" in case.path and turn:
            known = self.house.known.get(SUBJECTS.get(subject, ""), SUBJECTS.get(subject))
            found = known if turn == 1 else self.own.get(subject) if case.method != "DELETE" else None
            case.path_parameters["id"] = found or case.path_parameters["id"]
        answer = answer_to(case, self.app)
        if "{id}" in case.path and turn == 1 and subject in SUBJECTS:
            assert answer.status_code >= 400, case.path
        if case.path != "/openapi.json":  # its examples call things by these names
            told = answer.content.decode("latin-1")
            assert not [one for one in self.secrets if one in told and one not in asked(case)], case.path

    def belongings(self):
        """All that an admin sees of what is not bob's, without what a run that goes on changes by itself."""
        lists = {name: self.house.client.get(name).json() for name in LISTS}
        jobs = [(one["id"], one["values"], one["saves"], one["priority"]) for one in lists["jobs"] if not one["owner"]]
        files = {
            set_["id"]: self.house.client.get(f"datasets/{set_['id']}/captions").json() for set_ in _no_ones(lists)
        }
        runs = [{**run, "step": 0, "seconds": 0, "sizes": 0} for run in lists["history?archived=all"]["runs"]]
        lists |= {"jobs": jobs, "datasets": _no_ones(lists), "people": lists["people"]["everybody"], "files": files}
        return lists | {"history?archived=all": [run for run in runs if not run["owner"]]}


def _no_ones(lists):
    return [one for one in lists["datasets"] if not one["owner"]]


def asked(case):
    """All that a case itself says."""
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=str, ensure_ascii=False)
    return f"{case.path_parameters} {case.query} {body}"


@pytest.fixture(scope="module")
def others(tmp_path_factory, pictures):
    made = Others(tmp_path_factory.mktemp("others"), pictures)
    before = made.belongings()
    yield made
    assert made.belongings() == before
    made.house.close()


@pytest.mark.parametrize("operation", OPEN, ids=lambda one: one.label)
def test_no_request_of_a_user_breaks_the_server_or_reaches_what_is_others(operation, others):
    tried(operation, FEW, others.ask, wrong=False)


@pytest.mark.acceptance
@pytest.mark.parametrize("operation", OPEN, ids=lambda one: one.label)
def test_no_request_of_a_user_reaches_what_is_others_however_long_they_try(operation, others):
    tried(operation, SOME, others.ask)
