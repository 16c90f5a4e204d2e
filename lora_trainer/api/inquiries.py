"""Questions that take their time: one step tried out, and what fits. Begun, asked after, stopped."""

from __future__ import annotations

from typing import Any

from ..jobs.inquiries import Inquiry
from ..sentences import to_json
from ..wire.common import Run
from ..wire.settings import Inquiry as Answer
from .call import Call, Entry
from .shown import discreet, message_json


def begin_probe(call: Call) -> dict[str, Any]:
    """Try one step of a run with these values, when it is its turn on the model."""
    return inquiry_json(call, call.desk.inquiries.probe(_config(call)))


def begin_fits(call: Call) -> dict[str, Any]:
    """Look for the best batch and resolution for the device."""
    return inquiry_json(call, call.desk.inquiries.fits(_config(call)))


def summary(call: Call) -> dict[str, Any]:
    """How far it is, and the answer once it is there."""
    return inquiry_json(call, call.desk.inquiries.get(call.path["id"]))


def stop(call: Call) -> dict[str, Any]:
    """Nobody needs to know any more."""
    inquiry = call.desk.inquiries.get(call.path["id"])
    inquiry.stop()
    return inquiry_json(call, inquiry)


def inquiry_json(call: Call, inquiry: Inquiry) -> dict[str, Any]:
    """How far it is; `answer` is null until it is done."""
    answer = inquiry.answer
    return {
        "id": inquiry.id,
        "kind": inquiry.kind,
        "state": inquiry.state,
        "phase": inquiry.phase,
        "done": inquiry.done,
        "total": inquiry.total,
        "message": message_json(discreet(call.desk, inquiry.message or call.desk.inquiries.waits_for(inquiry))),
        "answer": {**answer.to_json(), "sentence": to_json(answer.sentence())} if answer else None,
    }


def _config(call: Call) -> Any:
    given = call.given(Run)
    return call.desk.config(given.values, given.dataset)


ROUTES = (
    Entry("POST", "/probes", begin_probe, slow=True, takes=Run, gives=Answer, errors=(404, 409)),
    Entry("POST", "/fits", begin_fits, slow=True, takes=Run, gives=Answer, errors=(404, 409)),
    Entry("GET", "/inquiries/{id}", summary, gives=Answer),
    Entry("POST", "/inquiries/{id}/stop", stop, gives=Answer),
)
