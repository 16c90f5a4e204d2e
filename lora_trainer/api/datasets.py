"""Data sets: made or opened, filled with pictures, their captions written."""

from __future__ import annotations

import os
from typing import Any

from starlette.responses import Response

from ..datasets.folder import DataSetFolder
from ..datasets.pack import zipped
from ..jobs.desk import Desk
from ..sentences import to_json
from ..wire import common
from ..wire import datasets as wire
from .call import Call, Entry, Malformed, value_of, wrong_value
from .files import picture, streamed
from .uploads import added_json

SMALLEST = 64
"""The least resolution at which pictures can be trained on."""


def all_sets(call: Call) -> list[dict[str, Any]]:
    """All of them, with their sizes in bytes."""
    sizes = {one.id: one.size for one in call.desk.datasets.list()}
    return [{**one, "bytes": sizes.get(one["id"], 0)} for one in all_json(call.desk)]


def all_json(desk: Desk) -> list[dict[str, Any]]:
    """`own`: its files were uploaded and may be deleted, unlike those of a folder that was opened where it lies.

    `owner`: whose it is; empty when nobody has signed in to make it.
    """
    owners = desk.datasets.owners.all()
    return [
        {
            "id": one.id,
            "name": one.name,
            "count": one.count,
            "own": one.own,
            "path": str(one.path),
            "owner": ", ".join(owners.get(one.id, ())) if desk.visitor.sees_all else desk.visitor.name,
        }
        for one in desk.datasets.list()
    ]


def make(call: Call) -> dict[str, Any]:
    """A new one of that name, or a folder of the machine opened in place."""
    given, datasets = call.given(wire.NewDataSet), call.desk.datasets
    return _named(datasets.open_folder(given.path) if given.path else datasets.create(given.name))


def delete(call: Call) -> dict[str, Any]:
    """Delete one with its files; of a folder that was opened in place, only that it was."""
    if call.desk.datasets.get(call.path["id"]).own:  # others keep their files
        call.desk.require_idle(call.path["id"])
    call.desk.datasets.delete(call.path["id"])
    return {}


def rename(call: Call) -> dict[str, Any]:
    """Another name, and with it another id."""
    call.desk.require_idle(call.path["id"])
    return _named(call.desk.datasets.rename(call.path["id"], call.given(wire.NewName).name))


def copy(call: Call) -> dict[str, Any]:
    """Another one of the same pictures and captions; without a name, under the next that is free."""
    return _named(call.desk.datasets.copy(call.path["id"], call.given(wire.NewName).name))


def export(call: Call) -> Response:
    """The data set as a zip file that can be uploaded again."""
    found = call.desk.datasets.get(call.path["id"])
    return streamed(zipped(found.contents(table=True)), f"{found.name}.zip", "application/zip")


def _named(made: DataSetFolder) -> dict[str, Any]:
    return {"id": made.id, "name": made.name}


def items(call: Call) -> dict[str, Any]:
    """The pictures as a run at that resolution would take them."""
    found = call.desk.datasets.get(call.path["id"])
    asked = call.number("resolution", 0, 0, 4096)
    resolution = max(SMALLEST, asked) if asked else call.desk.host.describe().native_resolution
    return {
        "id": found.id,
        "name": found.name,
        "own": found.own,
        "items": [
            {
                "name": item.name,
                "caption": item.caption,
                "width": item.width,
                "height": item.height,
                "bucket": list(item.bucket),
                "repeats": item.repeats,
                "marks": item.marks.to_json(),
                "window": item.window.fractions() if item.window else None,
                "problems": [to_json(problem) for problem in item.problems],
            }
            for item in found.items(resolution, None)
        ],
    }


def add_file(call: Call) -> dict[str, Any]:
    """Add a picture, a caption or a zip, whole in the body. `/uploads` takes files in parts."""
    if call.upload is None:
        raise Malformed(wrong_value("body", "a file"))
    dataset = call.desk.datasets.get(call.path["id"])
    call.desk.require_space(call.upload.seek(0, os.SEEK_END))
    call.upload.seek(0)
    return added_json(dataset.add(call.path["name"], call.upload, call.desk.room))


def remove_file(call: Call) -> dict[str, Any]:
    """Delete a picture with its caption."""
    call.desk.datasets.get(call.path["id"]).remove(call.path["name"])
    return {}


def thumbnail(call: Call) -> Response:
    """A picture, small: `side` pixels at most."""
    side = call.number("side", 256, 32, 1024)
    return picture(call.desk.datasets.get(call.path["id"]).thumbnail(call.path["name"], side))


def set_marks(call: Call) -> dict[str, Any]:
    """What was decided about pictures, {name: {excluded, orientation, border, crop, flip}}, in place of all before."""
    given = call.json()
    marks = {name: value_of(given, name, dict, {}) for name in given}
    call.desk.datasets.get(call.path["id"]).set_marks(marks)
    return {}


ROUTES = (
    Entry("GET", "/datasets", all_sets, slow=True, gives=list[wire.SizedDataSet]),
    Entry("POST", "/datasets", make, slow=True, takes=wire.NewDataSet, gives=wire.Named, errors=(404,)),
    Entry("DELETE", "/datasets/{id}", delete, slow=True, gives=common.Nothing),
    Entry("GET", "/datasets/{id}", items, slow=True, gives=wire.Items, asks={"resolution": 0}, errors=(409,)),
    Entry("PUT", "/datasets/{id}/name", rename, slow=True, takes=wire.NewName, gives=wire.Named),
    Entry("POST", "/datasets/{id}/copy", copy, slow=True, takes=wire.NewName, gives=wire.Named),
    Entry("GET", "/datasets/{id}/export", export, slow=True, gives=common.ZIP),
    Entry(
        "PUT",
        "/datasets/{id}/files/{name:path}",
        add_file,
        upload=True,
        slow=True,
        takes=common.FILE,
        gives=wire.Added,
    ),
    Entry("DELETE", "/datasets/{id}/files/{name:path}", remove_file, slow=True, gives=common.Nothing),
    Entry("GET", "/datasets/{id}/thumbs/{name:path}", thumbnail, slow=True, gives=common.PICTURE, asks={"side": 256}),
    Entry("PUT", "/datasets/{id}/marks", set_marks, slow=True, takes=dict[str, wire.Marks], gives=common.Nothing),
)
