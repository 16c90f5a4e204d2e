"""What a person decided about single pictures, kept beside them: the pictures themselves are never changed.

Every folder with pictures may hold a small file, `.train-lora.json`:

    {"version": 1, "pictures": {"cat.jpg": {"excluded": true}, "dog.jpg": {"border": [0, 0.1, 1, 0.8], "flip": false}}}

Boxes are [left, top, width, height] in fractions of the picture as it is seen upright. What is unknown or of a wrong
kind is passed over when the file is read, and kept when it is written.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..files.atomic import replacing, write_text
from ..sentences import Sentence

MARKS_FILE = ".train-lora.json"
VERSION = 1
WHOLE = 10**6
"""Boxes are kept in millionths of a side: whole numbers, so that they come to the same pixels on every machine."""

_writing = threading.Lock()


@dataclass(frozen=True)
class Box:
    """A part of a picture, in millionths of its width and height."""

    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, fractions: Iterable[float]) -> Box:
        """From left, top, width and height as fractions. Raises DataError when they are no part of a picture."""
        values = [round(value * WHOLE) for value in fractions]
        if len(values) != 4 or min(values) < 0 or min(values[2:]) < 1:
            raise DataError(_no_box())
        left, top, width, height = values
        if left >= WHOLE or top >= WHOLE:
            raise DataError(_no_box())
        return cls(left, top, min(width, WHOLE - left), min(height, WHOLE - top))

    def fractions(self) -> list[float]:
        return [value / WHOLE for value in (self.left, self.top, self.width, self.height)]

    def pixels(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) in a picture of `size` (height, width); at least one pixel."""
        height, width = size
        left, top = min(width - 1, _share(self.left, width)), min(height - 1, _share(self.top, height))
        right, bottom = _share(self.left + self.width, width), _share(self.top + self.height, height)
        return left, top, max(left + 1, right), max(top + 1, bottom)


@dataclass(frozen=True)
class Marks:
    """What was decided about one picture.

    `orientation` is an EXIF orientation (1 to 8) in place of the file's own, 0 for that one; `border` the part that is
    left when a border is cut off; `crop` the part of it that the run shows, fitted to the bucket's shape; without
    `flip` the picture is never mirrored.
    """

    excluded: bool = False
    orientation: int = 0
    border: Box | None = None
    crop: Box | None = None
    flip: bool = True

    @property
    def shown(self) -> tuple[Any, ...]:
        """What decides which pixels are shown; empty where nothing does."""
        plain = (0, None, None)
        shown = (self.orientation, self.border and self.border.fractions(), self.crop and self.crop.fractions())
        return () if shown == plain else shown

    def to_json(self) -> dict[str, Any]:
        """Only what differs from a picture that nothing was decided about."""
        values: dict[str, Any] = {"excluded": True} if self.excluded else {}
        if self.orientation:
            values["orientation"] = self.orientation
        boxes = {"border": self.border, "crop": self.crop}
        values |= {name: box.fractions() for name, box in boxes.items() if box}
        return values if self.flip else {**values, "flip": False}


NO_MARKS = Marks()
EXCLUDED = Sentence("picture_excluded", "was excluded and is left out")
_PLAIN = {"excluded": False, "orientation": 0, "flip": True}
_FIELDS = tuple(field.name for field in dataclasses.fields(Marks))


class MarksBook:
    """The marks of pictures, each folder's file read once. A file that cannot be read is told to `damaged`."""

    def __init__(self) -> None:
        self.damaged: list[tuple[Path, Sentence]] = []
        self._known: dict[Path, dict[str, Marks]] = {}

    def __call__(self, picture: Path) -> Marks:
        folder = picture.parent
        if folder not in self._known:
            self._known[folder] = self._read(folder)
        return self._known[folder].get(_key(picture.name), NO_MARKS)

    def _read(self, folder: Path) -> dict[str, Marks]:
        try:
            entries = _entries(_content(folder))
        except ValueError as error:
            reason = str(error)
            sentence = Sentence(
                "marks_damaged",
                "cannot be read ({reason}): no picture of this folder is excluded, turned or cropped",
                reason=reason,
            )
            self.damaged.append((folder / MARKS_FILE, sentence))
            return {}
        return {_key(name): marks_from(entry) for name, entry in entries.items()}


def marks_from(entry: Any) -> Marks:
    """The marks in plain values; what is missing, unknown or of a wrong kind is as without marks."""
    entry = entry if isinstance(entry, dict) else {}
    orientation = entry.get("orientation")
    return Marks(
        excluded=entry.get("excluded") is True,
        orientation=orientation if type(orientation) is int and 1 <= orientation <= 8 else 0,
        border=_box(entry.get("border")),
        crop=_box(entry.get("crop")),
        flip=entry.get("flip") is not False,
    )


def marks_of(values: Mapping[str, Any]) -> Marks:
    """As `marks_from`, for values that somebody gives now. Raises DataError for a wrong one; null is none."""
    given = {name: value for name, value in values.items() if value is not None}
    marks = marks_from(given)
    understood = {**_PLAIN, **marks.to_json()}
    for name, value in given.items():
        boxed = name in ("border", "crop") and name in understood
        if not boxed and (name not in understood or understood[name] != value):
            sentence = "'{name}' cannot be {value}: what is decided about a picture is {known}."
            known = ", ".join(_FIELDS)
            raise DataError(Sentence("mark_wrong", sentence, name=name, value=str(value), known=known))
    return marks


def marks_in(data: bytes) -> dict[str, Marks]:
    """The marks in a file's bytes, by the pictures' names. Raises ValueError when they cannot be understood."""
    return {name: marks_from(entry) for name, entry in _entries(_parsed(data)).items()}


def marks_file(marks: Mapping[str, Marks]) -> bytes:
    """A file with the marks of the pictures of one folder, by their names."""
    return _as_bytes({"version": VERSION, "pictures": {name: one.to_json() for name, one in marks.items()}})


def change_marks(changes: Mapping[Path, Marks]) -> None:
    """Write the marks of these pictures. A file in which nothing is left is removed.

    Raises UserError when a folder cannot be written to.
    """
    by_folder: dict[Path, dict[str, Marks]] = {}
    for picture, marks in changes.items():
        by_folder.setdefault(picture.parent, {})[picture.name] = marks
    with _writing:
        for folder, changed in by_folder.items():
            _change(folder, changed)


def _change(folder: Path, changed: Mapping[str, Marks]) -> None:
    content = _content_or_aside(folder)
    entries = _entries(content)
    for name, marks in changed.items():
        old = next((key for key in entries if _key(key) == _key(name)), name)
        before = entries.pop(old, {})
        kept = {key: value for key, value in before.items() if key not in _FIELDS} if isinstance(before, dict) else {}
        if values := {**marks.to_json(), **kept}:
            entries[name] = values
    content = {**content, "version": max(VERSION, _version(content)), "pictures": entries}
    file = folder / MARKS_FILE
    if not entries and content.keys() == {"version", "pictures"}:
        file.unlink(missing_ok=True)
    else:
        write_text(file, _as_bytes(content).decode())


def _as_bytes(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _content_or_aside(folder: Path) -> dict[str, Any]:
    """What the file holds; a damaged one is put beside itself, so that a hand-made mistake loses nothing."""
    try:
        return _content(folder)
    except ValueError:
        file = folder / MARKS_FILE
        with replacing(file.with_name(MARKS_FILE + ".damaged")) as aside:
            aside.write(file.read_bytes())
        return {}


def _content(folder: Path) -> dict[str, Any]:
    """The file's values, empty when there is none. Raises ValueError when it cannot be understood."""
    try:
        return _parsed((folder / MARKS_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(content, dict):
        raise ValueError("it holds no JSON object")
    return content


def _entries(content: Mapping[str, Any]) -> dict[str, Any]:
    entries = content.get("pictures")
    return dict(entries) if isinstance(entries, dict) else {}


def _version(content: Mapping[str, Any]) -> int:
    version = content.get("version")
    return version if type(version) is int else VERSION


def _box(value: Any) -> Box | None:
    numbers = isinstance(value, list) and all(type(part) in (int, float) and abs(part) <= 1 for part in value)
    try:
        return Box.of(value) if numbers else None
    except DataError:
        return None


def _share(part: int, side: int) -> int:
    return (2 * part * side + WHOLE) // (2 * WHOLE)


def _key(name: str) -> str:
    """macOS stores accents in pieces."""
    return unicodedata.normalize("NFC", name)


def _no_box() -> Sentence:
    return Sentence(
        "no_box", "A part of a picture is four fractions from 0 to 1: left, top, width and height, none of them empty."
    )
