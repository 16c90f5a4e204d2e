"""Captions made by models: what there is to make them with, and captionings that are begun, watched and stopped."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..captioning.events import LeftOut
from ..captioning.folder import Task
from ..captioning.places import is_inside
from ..captioning.vocabularies import (
    FOLDER,
    Vocabulary,
    change_vocabulary,
    forget_vocabulary,
    save_vocabulary,
    vocabulary_files,
    vocabulary_values,
)
from ..data.text_files import read_text
from ..errors import FileFormatError, NotFound, UserError
from ..events import Event, Warned
from ..events import to_json as event_values
from ..jobs.captioning import Captioning
from ..sentences import Sentence, to_json
from ..wire import captions as wire
from ..wire.common import Nothing
from .call import Call, Entry
from .shown import discreet, message_json


def captioners(call: Call) -> list[dict[str, Any]]:
    """Each with its models; `missing` says what it lacks and where that belongs, null when it can be used."""
    return [
        {"name": one.name, "models": one.models, "missing": to_json(one.missing) if one.missing else None}
        for one in call.desk.captionings.choices()
    ]


def begin(call: Call) -> dict[str, Any]:
    """Caption a data set. Of models, only those that lie in the captioner's folder may be named from a page."""
    given, desk = call.given(wire.NewCaptioning), call.desk
    dataset = desk.datasets.get(given.dataset)
    settings = desk.captionings.settings(
        model=given.model,
        architecture=given.architecture,
        threshold=given.threshold,
        character_threshold=given.character_threshold,
        most=given.most,
        prompt=given.prompt,
    )
    if not is_inside(settings, given.captioner):
        raise UserError(
            Sentence("model_outside", "'{model}' does not lie in the captioner's folder.", model=settings.model)
        )
    task = Task(dataset.path, mode=given.mode, form=given.format, trigger=given.trigger, batch=given.batch)
    return captioning_json(call, desk.captionings.start(dataset, given.captioner, settings, task))


def all_captionings(call: Call) -> list[dict[str, Any]]:
    """Those that have been begun since the program started."""
    return [captioning_json(call, one) for one in call.desk.captionings]


def summary(call: Call) -> dict[str, Any]:
    """How far it is, with the events after number `after`."""
    one, after = _captioning(call), call.number("after", 0, 0, 2**53)
    found = one.feed.after(after, call.number("limit", 500, 1, 10_000))
    events = [event_json(number, event) for number, event in found]
    return {**captioning_json(call, one), "events": events, "next": found[-1][0] if found else after}


def stop(call: Call) -> dict[str, Any]:
    """What is captioned already stays."""
    _captioning(call).stop()
    return captioning_json(call, _captioning(call))


def all_vocabularies(call: Call) -> list[dict[str, Any]]:
    """The shipped ones and the user's own."""
    return [_vocabulary_json(call, name) for name in vocabulary_files(_own(call))]


def vocabulary(call: Call) -> dict[str, Any]:
    """One of them."""
    return _vocabulary_json(call, call.path["name"])


def write_vocabulary(call: Call) -> dict[str, Any]:
    """The user's own, which takes the place of a shipped one of that name: its whole `text`, or only other values."""
    given, name = call.given(wire.VocabularyChange), call.path["name"]
    if given.text is not None:
        file = save_vocabulary(_own(call), name, given.text)
    else:
        changes = {key: value for key, value in dataclasses.asdict(given).items() if value is not None}
        file = change_vocabulary(_own(call), name, changes)
    return _vocabulary_json(call, file.stem)


def remove_vocabulary(call: Call) -> dict[str, Any]:
    """Back to the shipped one."""
    forget_vocabulary(_own(call), call.path["name"])
    return {}


def _own(call: Call) -> Path:
    return call.desk.captionings.settings().folder / FOLDER


def _vocabulary_json(call: Call, name: str) -> dict[str, Any]:
    """The text of one and what it says; whether it is the user's own, and whether one was shipped under its name.

    `problem` says why it cannot be used. Raises NotFound.
    """
    file = vocabulary_files(_own(call)).get(name)
    if file is None:
        raise NotFound(Sentence("vocabulary_missing", "There is no vocabulary '{name}'.", name=name))
    told = {"name": name, "own": file.parent == _own(call), "shipped": name in vocabulary_files()}
    try:
        values, problem = vocabulary_values(file), None
    except FileFormatError as error:
        values, problem = {}, to_json(error.sentence)
    usual = Vocabulary(name, ())
    return {
        **told,
        "text": read_text(file),
        "tags": values.get("tags", []),
        "most": values.get("most", usual.most),
        "threshold": values.get("threshold", usual.threshold),
        "problem": problem,
    }


def captioning_json(call: Call, one: Captioning) -> dict[str, Any]:
    result = dataclasses.asdict(one.result) if one.result else None
    return {
        "id": one.id,
        "state": one.state,
        "dataset": one.dataset.id,
        "captioner": one.captioner.name,
        "mode": one.task.mode,
        "done": one.done,
        "total": one.total,
        "left_out": [{"name": left.name, "reason": to_json(left.reason)} for left in list(one.left_out)],
        "result": result,
        "message": message_json(discreet(call.desk, one.message)),
    }


def event_json(number: int, event: Event) -> dict[str, Any]:
    """An event with its number; `sentence` is what it says where it says something."""
    values = {"n": number, **event_values(event)}
    if isinstance(event, (Warned, LeftOut)):
        values["sentence"] = to_json(event.message if isinstance(event, Warned) else event.reason)
    return values


def _captioning(call: Call) -> Captioning:
    return call.desk.captionings.get(call.path["id"])


ROUTES = (
    Entry("GET", "/captioners", captioners, slow=True, gives=list[wire.Captioner]),
    Entry("GET", "/vocabularies", all_vocabularies, slow=True, gives=list[wire.Vocabulary]),
    Entry("GET", "/vocabularies/{name}", vocabulary, slow=True, gives=wire.Vocabulary),
    Entry(
        "PUT",
        "/vocabularies/{name}",
        write_vocabulary,
        slow=True,
        admin=True,
        takes=wire.VocabularyChange,
        gives=wire.Vocabulary,
    ),
    Entry("DELETE", "/vocabularies/{name}", remove_vocabulary, slow=True, admin=True, gives=Nothing),
    Entry("POST", "/captionings", begin, slow=True, takes=wire.NewCaptioning, gives=wire.Captioning, errors=(404, 409)),
    Entry("GET", "/captionings", all_captionings, gives=list[wire.Captioning]),
    Entry("GET", "/captionings/{id}", summary, gives=wire.WatchedCaptioning, asks={"after": 0, "limit": 500}),
    Entry("POST", "/captionings/{id}/stop", stop, gives=wire.Captioning),
)
