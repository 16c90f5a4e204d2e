"""Data sets: made or opened, filled with pictures, their captions written."""

from __future__ import annotations

import os
from typing import Any

from starlette.responses import Response

from ..datasets.folder import DataSetFolder
from ..datasets.pack import zipped
from ..jobs.desk import Desk
from ..sentences import to_json
from .call import Call, Entry, Malformed, value_of, wrong_value
from .files import picture, streamed
from .uploads import added_json


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
    given = call.json()
    path = value_of(given, "path", str, "")
    datasets = call.desk.datasets
    made = datasets.open_folder(path) if path else datasets.create(value_of(given, "name", str, ""))
    return _named(made)


def delete(call: Call) -> dict[str, Any]:
    if call.desk.datasets.get(call.path["id"]).own:  # others keep their files
        call.desk.require_idle(call.path["id"])
    call.desk.datasets.delete(call.path["id"])
    return {}


def rename(call: Call) -> dict[str, Any]:
    """Another name, and with it another id."""
    call.desk.require_idle(call.path["id"])
    return _named(call.desk.datasets.rename(call.path["id"], value_of(call.json(), "name", str, "")))


def copy(call: Call) -> dict[str, Any]:
    return _named(call.desk.datasets.copy(call.path["id"], value_of(call.json(), "name", str, "")))


def export(call: Call) -> Response:
    """The data set as a zip file that can be uploaded again."""
    found = call.desk.datasets.get(call.path["id"])
    return streamed(zipped(found.contents(table=True)), f"{found.name}.zip", "application/zip")


def _named(made: DataSetFolder) -> dict[str, Any]:
    return {"id": made.id, "name": made.name}


def items(call: Call) -> dict[str, Any]:
    """The pictures as a run at that resolution would take them."""
    found = call.desk.datasets.get(call.path["id"])
    resolution = call.number("resolution", 0, 0, 4096) or call.desk.host.describe().native_resolution
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
    """A picture, a caption or a zip."""
    if call.upload is None:
        raise Malformed(wrong_value("body", "a file"))
    dataset = call.desk.datasets.get(call.path["id"])
    call.desk.require_space(call.upload.seek(0, os.SEEK_END))
    call.upload.seek(0)
    result = dataset.add(call.path["name"], call.upload)
    return added_json(result)


def remove_file(call: Call) -> dict[str, Any]:
    call.desk.datasets.get(call.path["id"]).remove(call.path["name"])
    return {}


def thumbnail(call: Call) -> Response:
    side = call.number("side", 256, 32, 1024)
    return picture(call.desk.datasets.get(call.path["id"]).thumbnail(call.path["name"], side))


def set_marks(call: Call) -> dict[str, Any]:
    """What was decided about pictures, {name: {excluded, orientation, border, crop, flip}}, in place of all before."""
    given = call.json()
    marks = {name: value_of(given, name, dict, {}) for name in given}
    call.desk.datasets.get(call.path["id"]).set_marks(marks)
    return {}


ROUTES = (
    Entry("GET", "/datasets", all_sets, slow=True),
    Entry("POST", "/datasets", make, slow=True),
    Entry("DELETE", "/datasets/{id}", delete, slow=True),
    Entry("GET", "/datasets/{id}", items, slow=True),
    Entry("PUT", "/datasets/{id}/name", rename, slow=True),
    Entry("POST", "/datasets/{id}/copy", copy, slow=True),
    Entry("GET", "/datasets/{id}/export", export, slow=True),
    Entry("PUT", "/datasets/{id}/files/{name:path}", add_file, upload=True, slow=True),
    Entry("DELETE", "/datasets/{id}/files/{name:path}", remove_file, slow=True),
    Entry("GET", "/datasets/{id}/thumbs/{name:path}", thumbnail, slow=True),
    Entry("PUT", "/datasets/{id}/marks", set_marks, slow=True),
)
