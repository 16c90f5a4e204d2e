"""What to set and what it will need, before a run is begun; and after it, what went wrong."""

from __future__ import annotations

from typing import Any

from .. import options
from ..advice.diagnosis import diagnose
from ..presets import GOALS
from ..sentences import to_json
from ..wire import settings as wire
from .call import Call, Entry


def recommend(call: Call) -> dict[str, Any]:
    """Settings for a goal, with reasons. `kept` are paths of options that the user has chosen."""
    given = call.given(wire.Wish)
    config = call.desk.config(given.values, given.dataset)
    chosen = set(given.kept)
    values = options.to_values(config)
    kept = {option.path: options.value_at(values, option.path) for option in options.walk() if option.path in chosen}
    found = call.desk.advisor.recommend(config, given.goal or GOALS[0], kept)
    return {
        "preset": found.preset,
        "values": found.values,
        "reasons": [{"paths": list(reason.paths), **to_json(reason.sentence)} for reason in found.reasons],
    }


def estimate(call: Call) -> dict[str, Any]:
    """The memory that a run will need, and what would fit where it is too much. Takes seconds.

    With `patient`, and while the model is at work, only what is known already is answered; else {"later": true}.
    """
    given = call.given(wire.MemoryOf)
    config = call.desk.config(given.values, given.dataset)
    if given.patient and call.desk.busy and not call.desk.advisor.knows(config):
        return {"later": True}
    outlook = call.desk.advisor.outlook(config)
    need = outlook.need
    return {
        "bytes": need.bytes,
        "total": need.total,
        "weights": need.step.weights,
        "trained": need.step.trained,
        "activations": need.step.activations,
        "fits": need.fits,
        "milder": dict(outlook.milder),
        "sentence": to_json(outlook.sentence()),
    }


def diagnosis(call: Call) -> dict[str, Any]:
    """What a run's records call for, read again; `changes` are option values by path for the next run."""
    folder = call.desk.jobs.get(call.path["id"]).folder
    found = diagnose(folder) if folder.events.exists() else []
    return {
        "advice": [
            {
                "code": one.code,
                "step": one.step,
                "sentence": to_json(one.message),
                "changes": one.changes,
                "pictures": one.pictures,
            }
            for one in found
        ]
    }


ROUTES = (
    Entry("POST", "/recommend", recommend, slow=True, takes=wire.Wish, gives=wire.Recommendation, errors=(404, 409)),
    Entry(
        "POST",
        "/estimate",
        estimate,
        slow=True,
        takes=wire.MemoryOf,
        gives=wire.Estimate | wire.Later,
        errors=(404, 409),
    ),
    Entry("GET", "/jobs/{id}/advice", diagnosis, slow=True, gives=wire.Diagnosis),
)
