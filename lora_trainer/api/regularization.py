"""Regularization pictures: what suits a run, and orders that are begun, watched and stopped."""

from __future__ import annotations

from typing import Any

from ..jobs.regularization import Regularization
from .call import Call, Entry, list_of, value_of
from .shown import discreet, message_json

SHOWN = 8
"""How many of the newest pictures are named."""


def usual(call: Call) -> dict[str, Any]:
    """How many pictures suit the run, and in which sizes (width, height, how many)."""
    given = call.json()
    config = call.desk.config(value_of(given, "values", dict, {}), value_of(given, "dataset", str, ""))
    found = call.desk.regularizations.usual(config)
    return {"count": found.count, "sizes": [[width, height, n] for (height, width), n in sorted(found.sizes.items())]}


def begin(call: Call) -> dict[str, Any]:
    """Draw pictures of a class for a run. `count` 0: as many as suit it; `name`: of the data set that they go into."""
    given = call.json()
    config = call.desk.config(value_of(given, "values", dict, {}), value_of(given, "dataset", str, ""))
    made = call.desk.regularizations.start(
        config,
        list_of(given, "prompts", str),
        count=value_of(given, "count", int, 0),
        negative_prompt=value_of(given, "negative_prompt", str, ""),
        name=value_of(given, "name", str, ""),
    )
    return regularization_json(call, made)


def everything(call: Call) -> list[dict[str, Any]]:
    return [regularization_json(call, one) for one in call.desk.regularizations]


def summary(call: Call) -> dict[str, Any]:
    return regularization_json(call, _one(call))


def stop(call: Call) -> dict[str, Any]:
    _one(call).stop()
    return regularization_json(call, _one(call))


def regularization_json(call: Call, one: Regularization) -> dict[str, Any]:
    result = one.result
    return {
        "id": one.id,
        "state": one.state,
        "dataset": one.dataset.id,
        "name": one.dataset.name,
        "folder": str(one.dataset.path),
        "prompts": list(one.order.prompts),
        "negative_prompt": one.order.negative_prompt,
        "done": one.done,
        "total": one.total,
        "names": one.names[-SHOWN:],
        "result": {"drawn": result.drawn, "kept": result.kept, "stopped": result.stopped} if result else None,
        "message": message_json(discreet(call.desk, one.message)),
    }


def _one(call: Call) -> Regularization:
    return call.desk.regularizations.get(call.path["id"])


ROUTES = (
    Entry("POST", "/regularizations/usual", usual, slow=True),
    Entry("POST", "/regularizations", begin, slow=True),
    Entry("GET", "/regularizations", everything),
    Entry("GET", "/regularizations/{id}", summary),
    Entry("POST", "/regularizations/{id}/stop", stop),
)
