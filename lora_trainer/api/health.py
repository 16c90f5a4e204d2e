"""The health of a data set: the report before a run, and fixes."""

from __future__ import annotations

from typing import Any

from ..config import TrainConfig
from ..resolve import with_resolution
from ..wire import datasets as wire
from ..wire.common import Nothing
from .call import Call, Entry, Malformed, list_of, value_of, wrong_value
from .given import from_json


def report(call: Call) -> dict[str, Any]:
    """What is the matter with the pictures for a run with the options in `values` (JSON in the query, or the body)."""
    given = call.json() if call.body else call.query
    data_set = call.desk.datasets.get(call.path["id"])
    config, family = _config(call, _values(given.get("values")))
    return data_set.examine(config, family).to_json()


def look(call: Call) -> dict[str, Any]:
    """What is the matter with the pictures, with the run's options in the query, as JSON."""
    return report(call)


def mend(call: Call) -> dict[str, Any]:
    """Apply a fix to pictures, and report anew. `undo` is what `undo` wants; empty when it cannot be undone."""
    given = call.json()
    data_set = call.desk.datasets.get(call.path["id"])
    config, family = _config(call, _values(given.get("values")))
    kind, names = value_of(given, "kind", str, ""), list_of(given, "pictures", str)
    undo = data_set.mend(kind, names, config)
    return {"undo": undo, "report": data_set.examine(config, family).to_json()}


def undo(call: Call) -> dict[str, Any]:
    """Take back what a fix wrote."""
    call.desk.datasets.get(call.path["id"]).undo(call.given(wire.Undo).undo)
    return {}


def _values(given: Any) -> dict[str, Any]:
    values = from_json(given) if isinstance(given, str) and given else given or {}
    if not isinstance(values, dict):
        raise Malformed(wrong_value("values", "an object"))
    return values


def _config(call: Call, values: dict[str, Any]) -> tuple[TrainConfig, str]:
    """The options of the run with the base's own resolution where they leave it open, and the base's family."""
    info = call.desk.host.describe()
    return with_resolution(call.desk.config(values, call.path["id"]), info), info.family


HEALTH = "/datasets/{id}/health"
ROUTES = (
    Entry("GET", HEALTH, look, slow=True, gives=wire.Health, asks={"values": ""}, errors=(409, 422)),
    Entry("POST", HEALTH, report, slow=True, takes=wire.HealthFor, gives=wire.Health, errors=(409,)),
    Entry("POST", f"{HEALTH}/fix", mend, slow=True, takes=wire.Mend, gives=wire.Mended, errors=(409,)),
    Entry("POST", f"{HEALTH}/undo", undo, slow=True, takes=wire.Undo, gives=Nothing),
)
