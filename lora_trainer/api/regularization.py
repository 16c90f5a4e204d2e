"""Regularization pictures: what suits a run, and orders that are begun, watched and stopped."""

from __future__ import annotations

from typing import Any

from ..jobs.regularization import Regularization
from ..wire import captions as wire
from ..wire.common import Run
from .call import Call, Entry
from .shown import discreet, message_json

SHOWN = 8
"""How many of the newest pictures are named."""


def usual(call: Call) -> dict[str, Any]:
    """How many pictures suit the run, and in which sizes (width, height, how many)."""
    given = call.given(Run)
    config = call.desk.config(given.values, given.dataset)
    found = call.desk.regularizations.usual(config)
    return {"count": found.count, "sizes": [[width, height, n] for (height, width), n in sorted(found.sizes.items())]}


def begin(call: Call) -> dict[str, Any]:
    """Draw pictures of a class for a run. `count` 0: as many as suit it; `name`: of the data set that they go into."""
    given = call.given(wire.NewRegularization)
    made = call.desk.regularizations.start(
        call.desk.config(given.values, given.dataset),
        given.prompts,
        count=given.count,
        negative_prompt=given.negative_prompt,
        name=given.name,
    )
    return regularization_json(call, made)


def everything(call: Call) -> list[dict[str, Any]]:
    """Those that have been begun since the program started."""
    return [regularization_json(call, one) for one in call.desk.regularizations]


def summary(call: Call) -> dict[str, Any]:
    """How far it is."""
    return regularization_json(call, _one(call))


def stop(call: Call) -> dict[str, Any]:
    """What is drawn already stays."""
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


REGULARIZATIONS = "/regularizations"
ROUTES = (
    Entry("POST", f"{REGULARIZATIONS}/usual", usual, slow=True, takes=Run, gives=wire.Usual, errors=(404, 409)),
    Entry(
        "POST",
        REGULARIZATIONS,
        begin,
        slow=True,
        takes=wire.NewRegularization,
        gives=wire.Regularization,
        errors=(404, 409),
    ),
    Entry("GET", REGULARIZATIONS, everything, gives=list[wire.Regularization]),
    Entry("GET", REGULARIZATIONS + "/{id}", summary, gives=wire.Regularization),
    Entry("POST", REGULARIZATIONS + "/{id}/stop", stop, gives=wire.Regularization),
)
