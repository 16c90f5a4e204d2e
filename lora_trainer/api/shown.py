"""Jobs, events and try-outs as plain values for a page. Addresses are relative to the prefix of the routes."""

from __future__ import annotations

import dataclasses
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ..events import Advised, Event, Failed, Paused, Sample, Saved, Warned
from ..events import to_json as event_values
from ..jobs.desk import Desk
from ..jobs.grid import Grid
from ..jobs.job import Job
from ..jobs.scoring import verdict_values, without_word
from ..jobs.tryout_request import TriedCell, TryOutRequest
from ..sentences import Sentence, to_json


def in_address(name: str) -> str:
    """A file's name as a part of an address."""
    return quote(name, safe="", errors="replace")


def message_json(message: str) -> dict[str, Any] | None:
    return to_json(message) if message else None


WAITS = ("tryout_waits", "tryout_waits_pictures", "captions_wait", "class_waits", "probe_waits")
"""Sentences that name whoever has the model."""


def discreet(desk: Desk, message: str) -> str:
    """A message that something waits, without the name of what is not the visitor's."""
    if desk.visitor.sees_all or not isinstance(message, Sentence) or message.code not in WAITS:
        return message
    mine = {job.record.name for job in desk.jobs.list()} | {one.name for one in desk.datasets.list()}
    if message.values.get("name") in mine:
        return message
    return Sentence("waits_for_others", "This waits until what somebody else has begun is paused or has ended.")


def line_json(desk: Desk) -> list[dict[str, Any]]:
    """Who waits for the model, next first. Of others' runs only that they are there is told, to users."""
    return [
        {"id": job.id, "name": job.record.name} if desk.visitor.may_see(job.record.owner) else {"id": "", "name": ""}
        for job in desk.jobs.everybody_in_line()
    ]


def places_json(desk: Desk) -> list[dict[str, Any]]:
    """Where runs may be, the host's own model first, and which is there. Of others' only that one is there is told."""
    shown = []
    for place, job in desk.jobs.everywhere():
        visible = job is not None and desk.visitor.may_see(job.record.owner)
        there = {"taken": job is not None, "job": job.id if job is not None and visible else ""}
        shown.append({"name": place.name, "own": place.own, **there})
    return shown


def job_json(job: Job) -> dict[str, Any]:
    """A JobSummary."""
    record = job.record
    return {
        "id": record.id,
        "name": record.name,
        "state": record.state,
        "wish": job.control.wish.value,
        "step": record.step,
        "total_steps": record.total_steps,
        "seconds_left": record.seconds_left,
        "message": message_json(record.message),
        "dataset": record.dataset,
        "trigger_word": job.trigger_word,
        "values": record.values,
        "created": record.created,
        "ended": record.ended,
        "priority": record.priority,
        "place": record.place,
        "device": record.device,
        "saves": [
            {**dataclasses.asdict(save), "url": f"jobs/{record.id}/saves/{in_address(save.file)}"}
            for save in job.saves()
        ],
        "best_step": record.best_step,
        "published": record.published,
        "tryout": record.tryout or None,
        "owner": record.owner,
    }


def event_json(number: int, event: Event, job: Job) -> dict[str, Any]:
    """An event with its number. `path` is a file's name alone, `url` fetches it; `sentence` is the message."""
    values = {"n": number, **event_values(event)}
    if isinstance(event, (Sample, Saved)):
        kind = "samples" if isinstance(event, Sample) else "saves"
        file = PurePath(event.path).name
        values |= {"path": file, "url": f"jobs/{job.id}/{kind}/{in_address(file)}"}
    if isinstance(event, (Warned, Advised)) and not isinstance(event.message, Sentence):
        values["sentence"] = {"code": event.code, "text": event.message, "values": event.values}
    elif isinstance(event, (Warned, Advised, Paused, Failed)):
        values["sentence"] = message_json(event.message)
    return values


def tryout_json(desk: Desk, tryout: Grid, after: int = 0) -> dict[str, Any]:
    """A TryOutSummary, with the cells after number `after`."""
    holder = tryout.waits_for
    if holder and holder.job not in {job.id for job in desk.jobs.list()}:
        holder = None
    return {
        "id": tryout.id,
        "state": tryout.state,
        "automatic": tryout.automatic,
        "total": tryout.total,
        "job": tryout.job.id,
        **request_json(tryout.request),
        "saves": tryout.saves,
        "save_steps": tryout.steps,
        "seed": tryout.seed,
        "waits_for": holder.job if holder and not holder.draws else None,
        "cells": [cell_json(tryout, cell) for cell in list(tryout.cells) if cell.n > after],
        "without_word": without_word(tryout),
        "verdict": verdict_values(tryout),
        "message": message_json(discreet(desk, tryout.message)),
    }


def request_json(request: TryOutRequest) -> dict[str, Any]:
    """What is asked of a try-out, as POST /tryouts takes it."""
    return dataclasses.asdict(request)


def cell_json(tryout: Grid, cell: TriedCell) -> dict[str, Any]:
    return {
        "n": cell.n,
        "save": cell.save,
        "step": tryout.steps[cell.save],
        "strength": cell.strength,
        "prompt": cell.prompt,
        "seed": tryout.seed,
        "url": f"tryouts/{tryout.id}/cells/{cell.n}.png",
    }
