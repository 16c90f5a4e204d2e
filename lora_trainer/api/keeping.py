"""Keeping a save as the final file."""

from __future__ import annotations

from typing import Any

from ..wire import jobs as wire
from .call import Call, Entry


def keep(call: Call) -> dict[str, Any]:
    """Make a save the final file, in the host's LoRA folder, and say how a prompt names it."""
    given, job = call.given(wire.Keep), call.desk.jobs.get(call.path["id"])
    return call.desk.keep(job, given.save, strength=given.strength, replace=given.replace, name=given.name).answer()


ROUTES = (Entry("POST", "/jobs/{id}/keep", keep, slow=True, takes=wire.Keep, gives=wire.Kept, errors=(409,)),)
