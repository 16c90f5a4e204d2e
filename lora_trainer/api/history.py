"""The history of runs: found, compared, judged blind, remarked on, and cleared away."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from ..errors import NotFound
from ..history import Past, Query
from ..history.archive import Comparison
from ..history.compare import Strip
from ..history.results import Result
from ..history.shots import CELL, SAMPLE, Shot
from ..history.space import THUMBNAILS
from ..sentences import Sentence
from ..wire import history as wire
from ..wire.common import PICTURE
from .call import Call, Entry
from .files import picture, read_picture
from .shown import message_json

SIDE = 256
"""Pixels of a thumbnail."""


def find(call: Call) -> dict[str, Any]:
    """A page of the runs that suit words, in an order."""
    asked = call.query
    query = Query(
        words=asked.get("words", ""),
        sort=asked.get("sort", "created"),
        descending=asked.get("descending", "yes") != "no",
        archived=asked.get("archived", "no"),
        page=call.number("page", 0, 0, 10**6),
        size=call.number("size", 20, 1, 200),
    )
    found = call.desk.history.search(query)
    return {"runs": [past_json(call, run) for run in found.runs], "total": found.total, "page": query.page}


def details(call: Call) -> dict[str, Any]:
    """A run with what was written down about where it ran."""
    run = call.desk.history.get(call.path["id"])
    environment = run.environment()
    base = environment.get("base")
    if isinstance(base, dict):  # where it lies on the machine is nobody's business
        environment = {**environment, "base": {key: value for key, value in base.items() if key != "path"}}
    return {**past_json(call, run), "environment": environment}


def remark(call: Call) -> dict[str, Any]:
    """Stars, a remark, and whether it is put away: what is named is changed."""
    given, history = call.given(wire.Remark), call.desk.history
    changes = {name: value for name, value in dataclasses.asdict(given).items() if value is not None}
    history.note(call.path["id"], **changes)
    return past_json(call, history.get(call.path["id"]))


def compare(call: Call) -> dict[str, Any]:
    """Runs beside each other: differing options, samples by prompt and step, and what votes tell."""
    found = call.desk.history.compare(_ids(call))
    return {
        "runs": [past_json(call, run) for run in found.runs],
        "options": [dataclasses.asdict(one) for one in found.differences],
        "strips": [_strip_json(found, strip, "steps") for strip in found.strips],
        "grids": [_strip_json(found, strip, "strengths") for strip in found.grids],
        "results": [result_json(one) for one in found.results],
    }


def thumbnail(call: Call) -> Response:
    """The newest sample of a run, small."""
    from ..data.pictures import UnreadablePicture
    from ..datasets.thumbnails import thumbnail as made

    run = call.desk.history.get(call.path["id"])
    shots = [shot for shot in run.shots() if shot.kind == SAMPLE]
    try:
        return picture(made(shots[-1].path, SIDE, run.folder.path / THUMBNAILS))
    except (IndexError, UnreadablePicture):
        raise NotFound(Sentence("no_thumbnail", "This run has no picture to show.")) from None


def cell(call: Call) -> Response:
    """A picture of a grid of the run, also of one that was drawn before the program started."""
    file = call.path["file"]
    run = call.desk.history.get(call.path["id"])
    path = next((shot.path for shot in run.shots() if shot.kind == CELL and shot.file == file), None)
    if path is None:
        raise NotFound(Sentence("file_gone", "'{file}' is not there any more.", file=file))
    return read_picture(path)


def ballot(call: Call) -> dict[str, Any]:
    """Two pictures to choose from; whose they are, nobody is told before the vote."""
    made = call.desk.history.ballot(call.given(wire.Compete).jobs)
    shot = made.shots[0]
    facts = {"prompt": shot.prompt, "seed": shot.seed, "strength": shot.strength, "kind": shot.kind}
    return {
        "id": made.id,
        **facts,
        "left": f"history/ballots/{made.id}/left",
        "right": f"history/ballots/{made.id}/right",
    }


def ballot_picture(call: Call) -> Response:
    """One of the two pictures of a ballot: left or right."""
    return picture(call.desk.history.picture(call.path["id"], call.path["file"]))


def vote(call: Call) -> dict[str, Any]:
    """Choose a side, or neither. The answer tells whose pictures they were, and what all votes tell by now."""
    choice, history = call.given(wire.Vote).choice, call.desk.history
    made = history.vote(call.path["id"], choice)
    left, right = (
        {"id": run.id, "name": run.name, "step": shot.step} for run, shot in zip(made.runs, made.shots, strict=True)
    )
    told = history.results([run.id for run in made.runs])
    return {"left": left, "right": right, "results": [result_json(one) for one in told]}


def free(call: Call) -> dict[str, Any]:
    """What would go of these runs; with `really` it is gone."""
    given = call.given(wire.Free)
    room = call.desk.history.room(given.jobs, given.kinds, really=given.really)
    refused = {run: message_json(reason) for run, reason in room.refused.items()}
    return {"bytes": room.bytes, "total": room.total, "refused": refused}


def past_json(call: Call, run: Past) -> dict[str, Any]:
    """A PastRun. Addresses are relative to the prefix of the routes."""
    facts, notes = run.facts, run.notes
    shown = any(shot.kind == SAMPLE for shot in run.shots())
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "owner": run.owner,
        "created": run.created,
        "ended": run.ended,
        "base": run.base,
        "family": facts.family,
        "trigger_word": run.trigger_word,
        "preset": run.preset,
        "dataset": run.dataset,
        "step": run.step,
        "total_steps": run.total_steps,
        "best_step": run.best_step,
        "pictures": facts.pictures,
        "loss": facts.loss,
        "validation": facts.validation,
        "seconds": facts.seconds,
        "message": message_json(run.message),
        "published": run.published.get("tag"),
        "over": run.over,
        **notes.to_json(),
        "sizes": call.desk.history.sizes(run),
        "thumbnail": f"history/{quote(run.id)}/thumbnail" if shown else None,
    }


def result_json(result: Result) -> dict[str, Any]:
    return dataclasses.asdict(result)


def _strip_json(found: Comparison, strip: Strip, columns: str) -> dict[str, Any]:
    """A strip of pictures, each run's in a row with None where it has none in that column."""
    rows = zip(found.runs, strip.shots, strict=True)
    return {
        "prompt": strip.prompt,
        "seed": strip.seed,
        columns: list(strip.columns),
        "pictures": [[_address(run, shot) for shot in row] for run, row in rows],
    }


def _address(run: Past, shot: Shot | None) -> str | None:
    if shot is None:
        return None
    if shot.kind == SAMPLE:
        return f"jobs/{quote(run.id)}/samples/{quote(shot.file)}"
    return f"history/{quote(run.id)}/cells/{quote(shot.file)}"


def _ids(call: Call) -> list[str]:
    return [part for part in call.query.get("jobs", "").split(",") if part]


BALLOT = "/history/ballots/{id}"
FOUND: dict[str, str | int] = {"words": "", "sort": "created", "descending": "yes"}
PAGE: dict[str, str | int] = {"archived": "no", "page": 0, "size": 20}
ROUTES = (
    Entry("GET", "/history", find, slow=True, gives=wire.FoundRuns, asks={**FOUND, **PAGE}),
    Entry("GET", "/history/compare", compare, slow=True, gives=wire.Compared, asks={"jobs": ""}, errors=(404,)),
    Entry("POST", "/history/free", free, slow=True, takes=wire.Free, gives=wire.Freed, errors=(404,)),
    Entry("POST", "/history/ballots", ballot, slow=True, takes=wire.Compete, gives=wire.Ballot, errors=(404,)),
    Entry("POST", BALLOT, vote, slow=True, takes=wire.Vote, gives=wire.Voted),
    Entry("GET", f"{BALLOT}/{{file}}", ballot_picture, slow=True, gives=PICTURE),
    Entry("GET", "/history/{id}", details, slow=True, gives=wire.PastRunDetails),
    Entry("PUT", "/history/{id}", remark, slow=True, takes=wire.Remark, gives=wire.PastRun),
    Entry("GET", "/history/{id}/cells/{file:path}", cell, slow=True, gives=PICTURE),
    Entry("GET", "/history/{id}/thumbnail", thumbnail, slow=True, gives=PICTURE),
)
