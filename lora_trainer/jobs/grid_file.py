"""Grids on the disk: all that shows one again, and compares its pictures with others', after the program has ended.

A grid's folder has its pictures and grid.json, which says what they are in the names of the routes. It may have come
from elsewhere with its run: nothing in it names anything outside that folder, and what is not sound is left out.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from .. import sentences
from ..errors import UserError
from ..files.atomic import replacing
from ..files.png import is_whole
from ..history.shots import GRID_FILE, grid_folder, picture_in, read_grid
from .grid import DONE, FAILED, STOPPED, Grid
from .job import Job
from .scoring import kept_verdict, verdict_values
from .tryout_request import TriedCell, TryOutRequest, usual_request

ID = re.compile(r"[0-9a-f]{12}")
LISTS = ("saves", "strengths", "prompts")
UNSOUND = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, OSError, UserError)
"""What values raise that nobody has written here."""

log = logging.getLogger(__name__)


def new_id() -> str:
    """The name of a new grid, which is that of its folder too."""
    return secrets.token_hex(6)


def keep_grid(grid: Grid, state: str) -> None:
    """Write down what the grid is, as one that is in this state; it goes on where that cannot be."""
    cells = [
        {
            "file": cell.path.name,
            "save": cell.save,
            "step": grid.steps[cell.save],
            "strength": cell.strength,
            "prompt": cell.prompt,
        }
        for cell in grid.cells
    ]
    values = {
        **asdict(grid.request),
        "seed": grid.seed,
        "state": state,
        "automatic": grid.automatic,
        "message": sentences.to_json(grid.problem) if grid.problem else None,
        "save_steps": grid.steps,
        "cells": cells,
        "beside": [{"file": path.name, "prompt": n, "seed": seed} for (n, seed), path in grid.beside.items()],
        "verdict": verdict_values(grid),
    }
    try:
        with replacing(grid.folder / GRID_FILE, durable=False) as file:
            file.write(json.dumps(values, ensure_ascii=False).encode("utf-8", "replace"))
    except UserError as error:
        log.warning("What a grid's pictures are could not be kept: %s", error)


def kept_grid(job: Job) -> Grid | None:
    """The newest grid of a job as it lies on the disk; None where there is none, or nothing that tells what it is."""
    grid_id = str(job.record.tryout)
    folder = grid_folder(job.folder, grid_id) if ID.fullmatch(grid_id) else None
    values = read_grid(folder) if folder else None
    if values is None:
        return None
    try:
        return _grid(job, grid_id, values)
    except UNSOUND as error:
        log.warning("The grid %s of '%s' cannot be shown any more: %r", grid_id, job.record.name, error)
        return None


def _grid(job: Job, grid_id: str, values: Mapping[str, Any]) -> Grid:
    """Raises what is `UNSOUND` when it is not known what was to be drawn."""
    request = _request(job, values)
    grid = Grid(job, request, grid_id, request.seed, automatic=values.get("automatic") is True)
    grid.steps = {file: _whole(step) for file, step in values.get("save_steps", {}).items()}
    grid.cells = list(_cells(grid, values["cells"]))
    grid.beside = dict(_beside(grid, values.get("beside", [])))
    grid.state = _state(grid, values)
    if grid.state == FAILED:
        grid.problem = _message(values.get("message"))
    try:
        grid.verdict = kept_verdict(grid, values)
    except UNSOUND as error:
        log.warning("What was said of the grid %s of '%s' cannot be read: %r", grid_id, job.record.name, error)
    return grid


def _request(job: Job, values: Mapping[str, Any]) -> TryOutRequest:
    """What was to be drawn. An earlier version kept only what differs between pictures; the rest was as usual."""
    usual = usual_request(job)
    saves = _texts(values["saves"] if "saves" in values else _of_cells(values, "save"))
    strengths = _like(values["strengths"] if "strengths" in values else _of_cells(values, "strength"), [])
    others = [item for item in fields(usual) if item.name not in LISTS]
    given = {one.name: _like(values.get(one.name, getattr(usual, one.name)), one.default) for one in others}
    request = TryOutRequest(saves, [float(strength) for strength in strengths], _texts(values["prompts"]), **given)
    replace(request, sampler=usual.sampler).check()  # a sampler may have gone since; it is only shown
    return request


def _of_cells(values: Mapping[str, Any], name: str) -> list[Any]:
    """What pictures differ in, in the order of drawing."""
    return list(dict.fromkeys(cell[name] for cell in values["cells"] if isinstance(cell, dict) and name in cell))


def _cells(grid: Grid, values: Any) -> Iterator[TriedCell]:
    """The pictures that are there, each in a place of the grid that is its own; their steps go into the grid's."""
    free = set(grid.request.places())
    for n, cell in enumerate(values, 1):
        with contextlib.suppress(*UNSOUND):
            save, strength, prompt = place = cell["save"], float(cell["strength"]), cell["prompt"]
            path = picture_in(grid.folder, cell["file"])
            if path and is_whole(path) and place in free:
                grid.steps[save] = _whole(cell["step"])
                free.remove(place)
                yield TriedCell(n, save, strength, prompt, path)


def _beside(grid: Grid, values: Any) -> Iterator[tuple[tuple[int, int], Path]]:
    for one in values:
        with contextlib.suppress(*UNSOUND):
            path, place = picture_in(grid.folder, one["file"]), (_whole(one["prompt"]), _whole(one["seed"]))
            if path and is_whole(path) and place[0] in range(len(grid.request.prompts)):
                yield place, path


def _state(grid: Grid, values: Mapping[str, Any]) -> str:
    """As it was at its end; one that was cut off by the end of the program is as one that was stopped."""
    whole = DONE if len(values["cells"]) == grid.total else STOPPED
    state = values.get("state", whole)
    return state if state in (DONE, FAILED) else STOPPED


def _message(values: Any) -> str:
    """A sentence, whose values are such as can be filled in; empty where it is none."""
    with contextlib.suppress(*UNSOUND):
        if all(isinstance(one, (str, int, float)) for one in values["values"].values()):
            return sentences.from_json(values)
    return ""


def _texts(values: Any) -> list[str]:
    return [_like(value, "") for value in _like(values, [])]


def _like(value: Any, usual: Any) -> Any:
    kinds = (int, float) if isinstance(usual, float) else type(usual)
    if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(usual, bool):
        raise TypeError(f"{str(value)[:40]} is no {type(usual).__name__}.")
    return value


def _whole(value: Any) -> int:
    return int(_like(value, 0))
