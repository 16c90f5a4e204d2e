"""Whatever a sender makes of the specification, it breaks nothing, and gets answers that are described."""

import pytest

pytest.importorskip("schemathesis")

from starlette.applications import Starlette

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.api.errors import Refused
from lora_trainer.sentences import Sentence
from lora_trainer.visitor import USER, Visitor
from tests.api.fuzzing import CHECKS, FEW, MANY, OPERATIONS, answer_to, is_for_admins, tried
from tests.api.house import House

IDS = {"jobs": "20261101-093000-5f1c", "datasets": "cats-4f1d", "tryouts": "3f9ac2d1e0b4"} | {
    "captionings": "caption-5a1e",
    "regularizations": "class-77d0",
    "inquiries": "inquiry-03bf",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory, pictures):
    made = House(tmp_path_factory.mktemp("house"), pictures)
    made.desk.advisor.outlook = made.desk.advisor.fits  # it takes seconds, and has tests of its own
    yield made
    made.close()


def asking(house):
    """Sends a case: every other one about something that is there."""

    def ask(case):
        subject = case.path.split("/")[1]
        if case.method != "DELETE" and subject in IDS and len(str(case.path_parameters)) % 2:
            case.path_parameters["id"] = house.known[IDS[subject]]
        answer_to(case, house.app)

    return ask


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_breaks_the_server(operation, house):
    tried(operation, FEW, asking(house))


@pytest.mark.acceptance
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_breaks_the_server_however_long_one_tries(operation, house):
    tried(operation, MANY, asking(house))


@pytest.mark.parametrize(("role", "statuses"), [(None, {401}), (USER, {403})])
def test_nobody_and_a_user_without_rights_are_refused_whatever_they_send(house, role, statuses):
    app = Starlette()
    add_routes(app, house.desk, _guard(role))
    for operation in OPERATIONS:
        if role is None or is_for_admins(operation):
            case = operation.Case(path_parameters={"id": "x", "name": "x", "file": "x", "upload": "x", "n": 1})
            answer = case.call(base_url=f"http://testserver{PREFIX}", app=app)
            assert answer.status_code in statuses, (case.method, case.path, answer.text)
            case.validate_response(answer, checks=CHECKS)


def _guard(role):
    def guard(request):
        if role is None:
            raise Refused(Sentence("not_signed_in", "Sign in first."), 401)
        return Visitor("bob", role)

    return guard
