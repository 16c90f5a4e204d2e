"""The health of a data set: the report before a run, and fixes."""

from __future__ import annotations

from typing import Any

from ..config import TrainConfig
from ..resolve import with_resolution
from .call import Call, Entry, Malformed, list_of, value_of, wrong_value
from .given import from_json


def report(call: Call) -> dict[str, Any]:
    """What is the matter with the pictures for a run with the options in `values` (JSON in the query, or the body)."""
    given = call.json() if call.body else call.query
    data_set = call.desk.datasets.get(call.path["id"])
    config, family = _config(call, _values(given.get("values")))
    return data_set.examine(config, family).to_json()


def mend(call: Call) -> dict[str, Any]:
    """Apply a fix to pictures, and report anew. `undo` is what `undo` wants; empty when it cannot be undone."""
    given = call.json()
    data_set = call.desk.datasets.get(call.path["id"])
    config, family = _config(call, _values(given.get("values")))
    kind, names = value_of(given, "kind", str, ""), list_of(given, "pictures", str)
    undo = data_set.mend(kind, names, config)
    return {"undo": undo, "report": data_set.examine(config, family).to_json()}


def undo(call: Call) -> dict[str, Any]:
    call.desk.datasets.get(call.path["id"]).undo(value_of(call.json(), "undo", str, ""))
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


ROUTES = (
    Entry("GET", "/datasets/{id}/health", report, slow=True),
    Entry("POST", "/datasets/{id}/health", report, slow=True),
    Entry("POST", "/datasets/{id}/health/fix", mend, slow=True),
    Entry("POST", "/datasets/{id}/health/undo", undo, slow=True),
)
