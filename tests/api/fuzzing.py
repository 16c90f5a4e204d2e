"""Requests that the specification lets be thought of, and what every answer to them must be. Needs schemathesis."""

import contextlib
import os
from urllib.parse import unquote

import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lora_trainer.api import PREFIX
from lora_trainer.api.described import openapi

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
SOME = settings(MANY, max_examples=max(1, MANY.max_examples // 5))
"""Where much of it is what somebody else's requests show as well."""
SPARED = ("/notices/{id}/test",)
"""It sends something to where it is told to."""
schema = schemathesis.openapi.from_dict(openapi())
OPERATIONS = [one.ok() for one in schema.get_all_operations() if one.ok().path not in SPARED]


def tried(operation, how, ask, *, wrong=True):
    """Let `ask` send what fits the description of an operation, and then, if `wrong`, what does not."""
    other = [GenerationMode.NEGATIVE] if wrong and (operation.body or operation.query) else []  # a path has only names
    for mode in (GenerationMode.POSITIVE, *other):

        @how
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case):
            named = "".join(unquote(str(one)) for one in (case.path_parameters or {}).values())
            assume(not set("/\r\n") & set(named))  # it would be another address, or none of ours
            if case.path == "/jobs/{id}/events" and isinstance(case.query, dict):
                case.query.pop("wait", None)
            ask(case)

        with contextlib.suppress(Unsatisfiable):  # of some bodies nothing can be wrong
            send()


def answer_to(case, app):
    """The answer, which is as it is described."""
    return case.call_and_validate(base_url=f"http://testserver{PREFIX}", app=app, checks=CHECKS, timeout=60)


def is_for_admins(operation):
    return "Admins only." in operation.definition.raw.get("description", "")
