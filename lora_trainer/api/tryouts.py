"""Try-outs: begun, watched cell by cell, and put on a sheet."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..errors import NotFound
from ..jobs.request import TryOutRequest, usual_request
from ..jobs.sheets import write_sheet
from ..jobs.tryouts import TryOut
from ..judging.verdict import read_verdict
from ..sentences import Sentence
from .call import Call, Entry, list_of, value_of
from .files import read_picture
from .shown import request_json, tryout_json


def begin(call: Call) -> dict[str, Any]:
    """Begin to draw. `pause`: the job is paused for it. `single`: a picture beside the job's grid."""
    given = call.json()
    request = TryOutRequest(
        saves=list_of(given, "saves", str),
        strengths=list_of(given, "strengths", float),
        prompts=list_of(given, "prompts", str),
        negative_prompt=value_of(given, "negative_prompt", str, ""),
        seed=value_of(given, "seed", int, -1),
        width=value_of(given, "width", int, 0),
        height=value_of(given, "height", int, 0),
        steps=value_of(given, "steps", int, 20),
        guidance=value_of(given, "guidance", float, 7.0),
        sampler=value_of(given, "sampler", str, "euler"),
        score=value_of(given, "score", bool, True),
    )
    job = call.desk.jobs.get(value_of(given, "job", str, ""))
    tryout = call.desk.tryouts.start(job, request, single=value_of(given, "single", bool, False))
    if value_of(given, "pause", bool, False):
        job.pause()  # the pictures stand in line already, so that they come before any other run
    return tryout_json(call.desk, tryout)


def usual(call: Call) -> dict[str, Any]:
    """What would be drawn if nobody chose anything else."""
    return request_json(usual_request(call.desk.jobs.get(call.path["id"])))


def proposal(call: Call) -> dict[str, Any]:
    """What the newest scored grid of a run says of its saves: also of one that was drawn before a restart."""
    kept = read_verdict(call.desk.jobs.get(call.path["id"]).folder.proposal)
    if kept is None:
        raise NotFound(Sentence("no_proposal", "No grid of this run has been scored yet."))
    return kept


def summary(call: Call) -> dict[str, Any]:
    return tryout_json(call.desk, _tryout(call), call.number("after", 0, 0, 2**53))


def stop(call: Call) -> dict[str, Any]:
    _tryout(call).stop()
    return tryout_json(call.desk, _tryout(call))


def cell(call: Call) -> Response:
    tryout, n = _tryout(call), call.path["n"]
    path = next((cell.path for cell in list(tryout.cells) if str(cell.n) == n), None)
    if path is None:
        raise NotFound(Sentence("no_picture", "There is no picture {n} in this try-out.", n=n))
    return read_picture(path)


def make_sheet(call: Call) -> dict[str, Any]:
    tryout = _tryout(call)
    return {"file": str(write_sheet(tryout)), "url": f"tryouts/{tryout.id}/sheet.png"}


def sheet(call: Call) -> Response:
    return read_picture(_tryout(call).folder / "sheet.png", lasting=False)


def _tryout(call: Call) -> TryOut:
    return call.desk.tryouts.get(call.path["id"])


ROUTES = (
    Entry("POST", "/tryouts", begin),
    Entry("GET", "/jobs/{id}/usual-tryout", usual),
    Entry("GET", "/jobs/{id}/proposal", proposal),
    Entry("GET", "/tryouts/{id}", summary),
    Entry("POST", "/tryouts/{id}/stop", stop),
    Entry("GET", "/tryouts/{id}/cells/{n}.png", cell),
    Entry("POST", "/tryouts/{id}/sheet", make_sheet, slow=True),
    Entry("GET", "/tryouts/{id}/sheet.png", sheet),
)
