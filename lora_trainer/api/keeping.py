"""Keeping a save as the final file."""

from __future__ import annotations

from typing import Any

from .call import Call, Entry, value_of


def keep(call: Call) -> dict[str, Any]:
    given = call.json()
    kept = call.desk.keep(
        call.desk.jobs.get(call.path["id"]),
        value_of(given, "save", str, ""),
        strength=value_of(given, "strength", float, 1.0),
        replace=value_of(given, "replace", bool, False),
        name=value_of(given, "name", str, ""),
    )
    return kept.answer()


ROUTES = (Entry("POST", "/jobs/{id}/keep", keep, slow=True),)
