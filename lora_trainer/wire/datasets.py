"""Data sets: their pictures, uploads, health."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from .common import Options, Told


class DataSet(TypedDict):
    """`own`: its files were uploaded and may be deleted, unlike those of a folder that was opened where it lies."""

    id: str
    name: str
    count: int
    own: bool
    path: str
    owner: str


class SizedDataSet(DataSet):
    """With its size."""

    bytes: int


@dataclass(frozen=True)
class NewDataSet:
    """A new one of that name, or a folder of the server's machine opened in place."""

    name: str = ""
    path: str = ""


@dataclass(frozen=True)
class NewName:
    """What it is to be called."""

    name: str = ""


class Named(TypedDict):
    """A data set's id and name."""

    id: str
    name: str


class Item(TypedDict):
    """A picture as a run would take it. `window` is the part that is shown, in fractions; sizes in pixels."""

    name: str
    caption: str
    width: int
    height: int
    bucket: list[int]
    repeats: int
    marks: dict[str, Any]
    window: list[float] | None
    problems: list[Told]


class Items(TypedDict):
    """A data set's pictures."""

    id: str
    name: str
    own: bool
    items: list[Item]


class RefusedFile(Told):
    """A file that was not taken, and the end of the sentence that begins with its name."""

    name: str


class Added(TypedDict):
    """Names of what was taken, and what was not with its reasons."""

    added: list[str]
    refused: list[RefusedFile]


@dataclass(frozen=True)
class NewUpload:
    """A file that will come in parts, of `size` bytes."""

    name: str = ""
    size: int = 0


class Upload(TypedDict):
    """A file on its way: `offset` bytes have arrived, `part` are best sent at once; `result` is there at the end."""

    id: str
    name: str
    size: int
    offset: int
    part: int
    state: Literal["receiving", "taking", "done"]
    result: Added | None


@dataclass(frozen=True)
class Marks:
    """What is decided about a picture. Boxes are [left, top, width, height] in fractions of the upright picture."""

    excluded: bool = False
    orientation: int = 0
    border: list[float] | None = None
    crop: list[float] | None = None
    flip: bool = True


class Fix(TypedDict):
    """What mends a finding."""

    kind: str
    title: Told
    pictures: list[str]
    options: dict[str, Any]
    undoable: bool


class Concerned(TypedDict):
    """A picture, and what there is to say of it alone."""

    name: str
    sentence: Told | None


class Finding(TypedDict):
    """What a check found."""

    check: str
    severity: Literal["error", "warning", "hint"]
    sentence: Told
    advice: Told
    pictures: list[Concerned]
    fixes: list[Fix]


class Health(TypedDict):
    """What is the matter with pictures and captions, for a run with certain options."""

    pictures: int
    excluded: int
    healthy: bool
    sentence: Told
    findings: list[Finding]


@dataclass(frozen=True)
class HealthFor:
    """The options of the run."""

    values: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Mend(HealthFor):
    """The fix of that kind, for these pictures."""

    kind: str = ""
    pictures: list[str] = field(default_factory=list)


class Mended(TypedDict):
    """`undo` takes it back; empty when it cannot be."""

    undo: str
    report: Health


@dataclass(frozen=True)
class Undo:
    """What a mending gave."""

    undo: str = ""
