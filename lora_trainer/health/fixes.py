"""What one click does about a finding. Pictures are never changed; captions are backed up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..data.captions import with_trigger
from ..data.marks import MARKS_FILE, Marks, change_marks
from ..data.text_files import read_text
from ..errors import DataError, NotFound
from ..files.atomic import write_text
from ..files.backup import backed_up
from ..registry import Registry
from ..sentences import Sentence
from .findings import Fix
from .subject import Case, Subject

EXCLUDE, INCLUDE, CUT_BORDERS, AS_STORED = "exclude", "include", "cut_borders", "as_stored"
WRITE_TRIGGER, FILL_CAPTIONS, TO_UTF8 = "write_trigger", "fill_captions", "to_utf8"
DELETE, OPTIONS = "delete", "options"
"""Not in the table: files are deleted by whoever owns them, options are set by whoever asks for the run."""


@dataclass
class Changes:
    """What is to be written: marks of pictures, and texts of caption files."""

    marks: dict[Path, Marks] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)

    def files(self) -> list[Path]:
        return [*dict.fromkeys(picture.parent / MARKS_FILE for picture in self.marks), *self.texts]


Mend = Callable[[Case, Subject, Changes], None]
"""Adds to the changes what mends one picture."""


@dataclass(frozen=True)
class Kind:
    """A row of the table."""

    title: Sentence
    mend: Mend


FIXES: Registry[Kind] = Registry("fix")


def fix(kind: str, pictures: Iterable[Path]) -> Fix:
    """The offer of a fix for these pictures."""
    if kind == DELETE:
        return Fix(kind, Sentence("fix_delete", "Delete the copies"), tuple(pictures), undoable=False)
    return Fix(kind, FIXES.get(kind).title, tuple(pictures))


def set_options(values: Mapping[str, Any]) -> Fix:
    """The offer to set options of the run."""
    listed = ", ".join(f"{path} = {str(value).lower()}" for path, value in values.items())
    return Fix(OPTIONS, Sentence("fix_options", "Set {options}", options=listed), options=values)


def apply(kind: str, names: Sequence[str], subject: Subject) -> str:
    """Mend the pictures of these names, all of one data folder.

    Gives the id under which it can be undone; empty when nothing was to be done.

    Raises UserError for an unknown fix, NotFound for an unknown picture, and when a file cannot be written; then
    everything is as it was before.
    """
    mend, by_name = FIXES.get(kind).mend, {name: path for path, name in subject.names.items()}
    cases = {case.path: case for case in subject.cases}
    changes = Changes()
    for name in names:
        if name not in by_name:
            raise NotFound(Sentence("file_missing", "There is no picture '{name}' in the data set.", name=name))
        path = by_name[name]
        if path in cases:
            mend(cases[path], subject, changes)
        elif kind == INCLUDE:
            changes.marks[path] = replace(subject.marks[path], excluded=False)
    return _write(changes, subject)


def _write(changes: Changes, subject: Subject) -> str:
    if not changes.files():
        return ""
    root = subject.root_of(changes.files()[0])
    with backed_up(root, changes.files()) as id:
        change_marks(changes.marks)
        for file, text in changes.texts.items():
            write_text(file, text)
    return id


def _exclude(case: Case, subject: Subject, changes: Changes) -> None:
    changes.marks[case.path] = replace(case.marks, excluded=True)


def _include(case: Case, subject: Subject, changes: Changes) -> None:
    """Nothing: what is examined is not excluded."""


def _cut_borders(case: Case, subject: Subject, changes: Changes) -> None:
    """A crop that was moved belonged to the picture with its border: it goes."""
    if case.look and case.look.border:
        changes.marks[case.path] = replace(case.marks, border=case.look.border, crop=None)


def _as_stored(case: Case, subject: Subject, changes: Changes) -> None:
    """Boxes lie elsewhere in a picture that is turned: they go."""
    changes.marks[case.path] = replace(case.marks, orientation=1, border=None, crop=None)


def _with_trigger(case: Case, subject: Subject, changes: Changes) -> None:
    text = with_trigger(case.caption.text, case.trigger)
    if not case.trigger:
        raise DataError(Sentence("trigger_unset", "No trigger word is set: set one first."))
    if text != case.caption.text:
        changes.texts[_caption_file(case, subject)] = text + "\n"


def _to_utf8(case: Case, subject: Subject, changes: Changes) -> None:
    file = case.caption.file
    if file is None or case.caption.encoding == "utf-8":
        return
    try:
        changes.texts[file] = read_text(file)
    except ValueError as error:
        sentence = "'{file}' is no text that can be read ({reason}): write it anew."
        raise DataError(Sentence("caption_damaged", sentence, file=file.name, reason=str(error))) from error


def _caption_file(case: Case, subject: Subject) -> Path:
    if case.caption.file:
        return case.caption.file
    ending = next(iter(subject.data.caption_extensions), ".txt")
    return case.path.with_suffix(ending if ending.startswith(".") else f".{ending}")


FIXES.add(EXCLUDE, Kind(Sentence("fix_exclude", "Leave them out of the training"), _exclude))
FIXES.add(INCLUDE, Kind(Sentence("fix_include", "Take them into the training again"), _include))
FIXES.add(CUT_BORDERS, Kind(Sentence("fix_cut_borders", "Cut the borders off (files stay as they are)"), _cut_borders))
FIXES.add(AS_STORED, Kind(Sentence("fix_as_stored", "Use them as they are stored, without turning"), _as_stored))
FIXES.add(WRITE_TRIGGER, Kind(Sentence("fix_write_trigger", "Write the trigger word in front"), _with_trigger))
FIXES.add(FILL_CAPTIONS, Kind(Sentence("fix_fill_captions", "Fill them with the trigger word"), _with_trigger))
FIXES.add(TO_UTF8, Kind(Sentence("fix_to_utf8", "Convert them to UTF-8"), _to_utf8))
