"""Whatever a sender makes of the specification, it breaks nothing, and gets answers that are described."""

import contextlib
import os

import pytest

pytest.importorskip("schemathesis")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette

from lora_trainer.api import PREFIX, add_routes
from lora_trainer.api.described import openapi
from lora_trainer.api.errors import Refused
from lora_trainer.sentences import Sentence
from lora_trainer.visitor import USER, Visitor
from tests.api.house import House

CHECKS = [
    checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
FEW = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=QUIET,
    phases=[Phase.explicit, Phase.generate],
)
MANY = settings(FEW, max_examples=int(os.environ.get("EXAMPLES", "150")), derandomize=False, phases=list(Phase))
IDS = {"jobs": "20261101-093000-5f1c", "datasets": "cats-4f1d", "tryouts": "3f9ac2d1e0b4"} | {
    "captionings": "caption-5a1e",
    "regularizations": "class-77d0",
    "inquiries": "inquiry-03bf",
}
SPARED = ("/notices/{id}/test",)
"""It sends something to where it is told to."""
schema = schemathesis.openapi.from_dict(openapi())
OPERATIONS = [one.ok() for one in schema.get_all_operations() if one.ok().path not in SPARED]


@pytest.fixture(scope="module")
def house(tmp_path_factory, pictures):
    made = House(tmp_path_factory.mktemp("house"), pictures)
    made.desk.advisor.outlook = made.desk.advisor.fits  # it takes seconds, and has tests of its own
    yield made
    made.close()


def ask(case, app, house):
    """Send a case: every other one about something that is there."""
    subject = case.path.split("/")[1]
    if case.method != "DELETE" and subject in IDS and len(str(case.path_parameters)) % 2:
        case.path_parameters["id"] = house.known[IDS[subject]]
    if case.path == "/jobs/{id}/events" and isinstance(case.query, dict):
        case.query.pop("wait", None)
    case.call_and_validate(base_url=f"http://testserver{PREFIX}", app=app, checks=CHECKS)


def tried(operation, house, how):
    """Send what fits the description of an operation, and then what does not."""
    other = [GenerationMode.NEGATIVE] if operation.body or operation.query else []  # a path has only names
    for mode in (GenerationMode.POSITIVE, *other):

        @how
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case):
            ask(case, house.app, house)

        with contextlib.suppress(Unsatisfiable):  # of some bodies nothing can be wrong
            send()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_breaks_the_server(operation, house):
    tried(operation, house, FEW)


@pytest.mark.acceptance
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_no_request_breaks_the_server_however_long_one_tries(operation, house):
    tried(operation, house, MANY)


@pytest.mark.parametrize(("role", "statuses"), [(None, {401}), (USER, {403})])
def test_nobody_and_a_user_without_rights_are_refused_whatever_they_send(house, role, statuses):
    app = Starlette()
    add_routes(app, house.desk, _guard(role))
    for operation in OPERATIONS:
        if role is None or "Admins only." in operation.definition.raw.get("description", ""):
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
