"""Captions by hand: read, counted, changed by operations, saved with a backup, and taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..datasets.folder import DataSetFolder
from ..sentences import Sentence
from ..tagging import Choice, Saved, apply, counted, operation_of, split
from ..wire import captions as wire
from .call import Call, Entry, read, value_of
from .errors import Refused

MOST_BYTES = 64 * 2**20
"""Of the captions of a set: more than a hundred thousand pictures have."""


def captions(call: Call) -> dict[str, Any]:
    """What stands beside the pictures now."""
    return {"captions": _data_set(call).captions()}


def tags(call: Call) -> dict[str, Any]:
    """How often tags stand in captions, of those with the tags `with` and without the tags `without`."""
    found = _data_set(call).captions()
    choice = Choice(
        every=tuple(split(call.query.get("with", ""))),
        none=tuple(split(call.query.get("without", ""))),
        text=call.query.get("text", ""),
    )
    chosen = choice.of(found)
    counts = counted(found[name] for name in chosen)
    return {
        "pictures": len(chosen),
        "missing": sum(not found[name] for name in chosen),
        "tags": [{"tag": one.tag, "count": one.count} for one in counts],
    }


def operate(call: Call) -> dict[str, Any]:
    """What an operation makes of captions, {name: caption}; only those that it changes come back. Writes nothing.

    With `names` only those are changed; frequencies are those of all captions. This is the one place that knows what an
    operation does: the page asks here, and keeps what it gets until it is saved.
    """
    given = read(wire.Operation, _large(call))
    operation, texts = operation_of(given.operation), given.captions
    chosen = None if given.names is None else [name for name in given.names if name in texts]
    return {"captions": apply(operation, texts, chosen)}


def save(call: Call) -> dict[str, Any]:
    """Write captions. `known` is what the page took for the present ones: where that is not so, nothing is written."""
    given = read(wire.CaptionsChange, _large(call))
    return _saved_json(_data_set(call).set_captions(given.captions, given.known))


def set_captions(call: Call) -> dict[str, Any]:
    """Write captions, {name: caption}, over whatever is there."""
    return _saved_json(_data_set(call).set_captions(_checked(_large(call))))


def backups(call: Call) -> list[dict[str, Any]]:
    """What can be taken back, the newest first; `time` in seconds since 1970."""
    return [
        {"id": one.id, "time": one.time, "files": [file.name for file in one.files]}
        for one in _data_set(call).backups()
    ]


def restore(call: Call) -> dict[str, Any]:
    """Put back the captions that a backup holds."""
    _data_set(call).undo(call.given(wire.Restore).backup)
    return captions(call)


def _data_set(call: Call) -> DataSetFolder:
    return call.desk.datasets.get(call.path["id"])


def _saved_json(saved: Saved) -> dict[str, Any]:
    return {
        "backup": saved.backup,
        "written": list(saved.written),
        "conflicts": [{"name": one.name, "now": one.now} for one in saved.conflicts],
    }


def _large(call: Call) -> dict[str, Any]:
    """The body as an object: all captions of a large set are more than a request has otherwise. Raises Malformed."""
    upload = call.upload
    body = upload.read(MOST_BYTES + 1) if upload is not None else call.body
    if len(body) > MOST_BYTES:
        limit = MOST_BYTES // 2**20
        raise Refused(Sentence("too_large", "The request holds more than {limit} MB.", limit=limit), 413)
    return Call(call.desk, call.path, call.query, body).json()


def _checked(texts: Mapping[str, Any]) -> dict[str, str]:
    """{picture: caption}. Raises Malformed."""
    return {name: value_of(texts, name, str, "") for name in texts}


CAPTIONS = "/datasets/{id}/captions"
ROUTES = (
    Entry("GET", CAPTIONS, captions, slow=True, gives=wire.Captions),
    Entry("POST", CAPTIONS, save, upload=True, slow=True, takes=wire.CaptionsChange, gives=wire.SavedCaptions),
    Entry("PUT", CAPTIONS, set_captions, upload=True, slow=True, takes=dict[str, str], gives=wire.SavedCaptions),
    Entry("GET", f"{CAPTIONS}/backups", backups, slow=True, gives=list[wire.Backup]),
    Entry("POST", f"{CAPTIONS}/restore", restore, slow=True, takes=wire.Restore, gives=wire.Captions),
    Entry("GET", "/datasets/{id}/tags", tags, slow=True, gives=wire.Tags, asks={"with": "", "without": "", "text": ""}),
    Entry("POST", "/captions/operate", operate, upload=True, slow=True, takes=wire.Operation, gives=wire.Captions),
)
