"""Files that come in parts: begun, gone on with from the offset that the server names, taken when they are whole."""

from __future__ import annotations

from typing import Any

from ..datasets.intake import Added
from ..datasets.uploads import LARGEST_PART, PART, Upload
from ..sentences import to_json
from ..wire import datasets as wire
from ..wire.common import FILE, Nothing
from .call import Call, Entry, Malformed, wrong_value


def begin(call: Call) -> dict[str, Any]:
    """Announce a file of `name` and `size` bytes. `part` is how many are best sent at once."""
    given = call.given(wire.NewUpload)
    dataset = call.desk.datasets.get(call.path["id"])
    call.desk.require_space(max(0, given.size))
    return upload_json(call.desk.datasets.uploads.begin(dataset.id, given.name, given.size, call.visitor.name))


def look(call: Call) -> dict[str, Any]:
    """How far it is, and once it is done, what became of it."""
    return upload_json(_upload(call))


def add(call: Call) -> dict[str, Any]:
    """Add the body, which begins at `offset` and whose CRC-32 is `crc32`."""
    upload = _upload(call)
    if call.upload is None:
        raise Malformed(wrong_value("body", "a part of a file"))
    offset = call.number("offset", -1, -1, 2**53)
    call.desk.datasets.uploads.add(upload, offset, call.upload, call.query.get("crc32", ""))
    return upload_json(upload)


def finish(call: Call) -> dict[str, Any]:
    """Take the file. It goes on behind this answer; `look` tells when it is done."""
    upload, desk = _upload(call), call.desk
    desk.datasets.uploads.finish(upload, desk.datasets.get(upload.dataset), desk.room)
    return upload_json(upload)


def cancel(call: Call) -> dict[str, Any]:
    """Forget a file that is on its way."""
    call.desk.datasets.uploads.cancel(_upload(call))
    return {}


def upload_json(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "size": upload.size,
        "offset": upload.offset,
        "part": PART,
        "state": upload.state,
        "result": added_json(upload.result) if upload.result else None,
    }


def added_json(result: Added) -> dict[str, Any]:
    """What was taken, and what was not with its reasons."""
    refused = [{"name": one.name, **to_json(one.reason)} for one in result.refused]
    return {"added": list(result.added), "refused": refused}


def _upload(call: Call) -> Upload:
    dataset = call.desk.datasets.get(call.path["id"])
    return call.desk.datasets.uploads.get(dataset.id, call.path["upload"])


UPLOADS = "/datasets/{id}/uploads"
ROUTES = (
    Entry("POST", UPLOADS, begin, slow=True, takes=wire.NewUpload, gives=wire.Upload),
    Entry("GET", UPLOADS + "/{upload}", look, gives=wire.Upload),
    Entry(
        "PUT",
        UPLOADS + "/{upload}",
        add,
        upload=True,
        limit=LARGEST_PART,
        slow=True,
        takes=FILE,
        gives=wire.Upload,
        asks={"offset": -1, "crc32": ""},
        errors=(409,),
    ),
    Entry("POST", UPLOADS + "/{upload}/finish", finish, slow=True, gives=wire.Upload, errors=(409,)),
    Entry("DELETE", UPLOADS + "/{upload}", cancel, slow=True, gives=Nothing),
)
