"""Try-outs: begun, watched cell by cell, and put on a sheet."""

from __future__ import annotations

import dataclasses
from typing import Any

from starlette.responses import Response

from ..errors import NotFound
from ..history.shots import picture_in
from ..jobs.grid import Grid
from ..jobs.sheets import SHEET, write_sheet
from ..jobs.tryout_request import TryOutRequest, usual_request
from ..judging.verdict import read_verdict
from ..sentences import Sentence
from ..wire import tryouts as wire
from ..wire.common import PICTURE
from .call import Call, Entry
from .files import read_picture
from .shown import request_json, tryout_json


def begin(call: Call) -> dict[str, Any]:
    """Begin to draw. `pause`: the job is paused for it. `single`: a picture beside the job's grid."""
    given = call.given(wire.NewTryOut)
    names = [item.name for item in dataclasses.fields(TryOutRequest)]
    request = TryOutRequest(**{name: getattr(given, name) for name in names})
    job = call.desk.jobs.get(given.job)
    tryout = call.desk.tryouts.start(job, request, single=given.single)
    if given.pause:
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
    """How far it is, with the pictures after number `after`; a run's newest grid also after a restart."""
    return tryout_json(call.desk, _tryout(call), call.number("after", 0, 0, 2**53))


def stop(call: Call) -> dict[str, Any]:
    """What is drawn already stays."""
    _tryout(call).stop()
    return tryout_json(call.desk, _tryout(call))


def cell(call: Call) -> Response:
    """One picture of it."""
    tryout, n = _tryout(call), call.path["n"]
    path = next((cell.path for cell in list(tryout.cells) if str(cell.n) == n), None)
    if path is None:
        raise NotFound(Sentence("no_picture", "There is no picture {n} in this try-out.", n=n))
    return read_picture(path)


def make_sheet(call: Call) -> dict[str, Any]:
    """Put all pictures on one sheet, with saves and strengths beside them."""
    tryout = _tryout(call)
    return {"file": str(write_sheet(tryout)), "url": f"tryouts/{tryout.id}/sheet.png"}


def sheet(call: Call) -> Response:
    """The sheet that was made."""
    path = picture_in(_tryout(call).folder, SHEET)
    if path is None:
        raise NotFound(Sentence("file_gone", "'{file}' is not there any more.", file=SHEET))
    return read_picture(path, lasting=False)


def _tryout(call: Call) -> Grid:
    return call.desk.tryouts.get(call.path["id"])


ROUTES = (
    Entry("POST", "/tryouts", begin, takes=wire.NewTryOut, gives=wire.TryOut, errors=(404, 409)),
    Entry("GET", "/jobs/{id}/usual-tryout", usual, gives=wire.TryOutRequest),
    Entry("GET", "/jobs/{id}/proposal", proposal, gives=wire.KeptVerdict),
    Entry("GET", "/tryouts/{id}", summary, gives=wire.TryOut, asks={"after": 0}),
    Entry("POST", "/tryouts/{id}/stop", stop, gives=wire.TryOut),
    Entry("GET", "/tryouts/{id}/cells/{n}.png", cell, gives=PICTURE),
    Entry("POST", "/tryouts/{id}/sheet", make_sheet, slow=True, gives=wire.Sheet),
    Entry("GET", "/tryouts/{id}/sheet.png", sheet, gives=PICTURE),
)
