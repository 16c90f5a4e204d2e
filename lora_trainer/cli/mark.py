"""`mark`: what is decided about single pictures: left out, never mirrored, their crop moved. Files stay as they are."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .check import add_run, config_of

if TYPE_CHECKING:
    from ..config import DataOptions
    from ..data.marks import Box, Marks

Change = Callable[["Marks", "Box | None"], "Marks"]
"""What becomes of a picture's marks; the box is what the run shows of it, None where it cannot be read."""


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    """The command; names of pictures may be patterns, as in 'dark/*.png'."""
    parser = subparsers.add_parser("mark", help="leave pictures out, move their crops", description=__doc__)
    parser.add_argument("folder", metavar="DIR", help="pictures; without anything else, what was decided is shown")
    add_run(parser)
    many: dict[str, Any] = {"dest": "changes", "action": "append", "default": []}
    for flag, (values, text) in _PLAIN.items():
        parser.add_argument(flag, metavar="NAME", type=_plainly(values), help=text, **many)
    text = "the middle of what is shown, each from 0 (left, top) to 1; and how many times nearer it is"
    parser.add_argument("--crop", metavar="NAME=X,Y[,NEARER]", type=_crop, help=text, **many)
    parser.add_argument("--undo", metavar="ID", help="take back the change of this id")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Decide, and show what is decided. Raises ConfigError, DataError, NotFound."""
    from ..data.marks import MarksBook
    from ..data.walk import find_files
    from ..files.backup import undo

    config, _ = config_of(arguments, [arguments.folder])
    folder = Path(config.data.folders[0].path)
    if arguments.undo:
        undo(folder, arguments.undo)
    files = {file.name: file.path for file in find_files(config.data.folders, [])}
    windows = _windows(config.data)
    id = _decide(folder, files, windows, arguments.changes) if arguments.changes else ""
    book, windows = MarksBook(), _windows(config.data) if id else windows
    decided = {name: book(path).to_json() for name, path in files.items()}
    shown = {name: box.fractions() for name, path in files.items() if (box := windows.get(path))}
    if not arguments.json:
        print("\n".join([*_lines(decided, shown), *([f"To take it back: --undo {id}"] if id else [])]))
    return {"undo": id, "marks": {name: marks for name, marks in decided.items() if marks}, "shown": shown}


def _windows(data: DataOptions) -> dict[Path, Box]:
    """What a run would show of every picture that can be read, excluded or not."""
    from ..data.framing import window
    from ..data.marks import MarksBook
    from ..data.scan import looking, outcome

    book = MarksBook()
    seen = outcome(looking(data, marks_of=lambda path: replace(book(path), excluded=False)))
    return {picture.path: window(picture) for picture in seen.pictures}


def _decide(
    folder: Path, files: Mapping[str, Path], windows: Mapping[Path, Box], changes: Iterable[tuple[str, Change]]
) -> str:
    """Write all changes or none; the id to take them back with. Raises ConfigError for names of nothing."""
    from ..data.marks import MARKS_FILE, MarksBook, change_marks
    from ..files.backup import backed_up

    book, decided, unknown = MarksBook(), dict[Path, "Marks"](), list[str]()
    for pattern, change in changes:
        found = [path for name, path in files.items() if name == pattern or fnmatchcase(name, pattern)]
        for path in found:
            decided[path] = change(decided.get(path, book(path)), windows.get(path))
        unknown += [] if found else [f"There is no picture '{pattern}' in '{folder}'."]
    if unknown:
        raise ConfigError(unknown)
    with backed_up(folder, dict.fromkeys(path.parent / MARKS_FILE for path in decided)) as id:
        change_marks(decided)
    return id


def _lines(decided: Mapping[str, Mapping[str, Any]], shown: Mapping[str, list[float]]) -> Iterator[str]:
    """A line for each picture: what is shown of it, and what was decided."""
    width = max(map(len, decided), default=0)
    for name, marks in decided.items():
        said = [word for word, is_so in _said(marks).items() if is_so]
        yield "  ".join([f"{name:{width}}", _in_words(shown.get(name)), *said])


def _in_words(box: list[float] | None) -> str:
    """The part that is shown, in per cent of the picture's sides."""
    if box is None:
        return "cannot be used"
    left, top, width, height = (round(100 * side) for side in box)
    return "all of it" if min(width, height) == 100 else f"x {left}-{left + width} %, y {top}-{top + height} %"


def _said(marks: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "left out": bool(marks.get("excluded")),
        "never mirrored": marks.get("flip") is False,
        "crop moved": "crop" in marks,
        "border cut": "border" in marks,
        "turned": "orientation" in marks,
    }


_PLAIN: dict[str, tuple[dict[str, Any], str]] = {
    "--exclude": ({"excluded": True}, "leave it out of the training"),
    "--include": ({"excluded": False}, "take it into the training again"),
    "--no-mirror": ({"flip": False}, "never mirror it"),
    "--mirror": ({"flip": True}, "mirror it where the run does (data.flip)"),
    "--usual-crop": ({"crop": None}, "show its middle again"),
}


def _plainly(values: Mapping[str, Any]) -> Callable[[str], tuple[str, Change]]:
    return lambda name: (name, lambda marks, _: replace(marks, **values))


def _crop(text: str) -> tuple[str, Change]:
    """'NAME=X,Y[,NEARER]' as a change. Raises ArgumentTypeError."""
    name, _, place = text.rpartition("=")
    try:
        x, y, nearer = ([*map(float, place.split(",")), 1.0])[:3]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' must be like NAME=0.5,0.2 or NAME=0.5,0.2,1.5") from None
    if not (name and 0 <= x <= 1 and 0 <= y <= 1 and 1 <= nearer <= 100):
        raise argparse.ArgumentTypeError(f"'{text}': the middle lies between 0 and 1, and NEARER is 1 or more")
    return name, lambda marks, window: replace(marks, crop=_moved(window, (x, y), nearer, name))


def _moved(window: Box | None, middle: tuple[float, float], nearer: float, name: str) -> Box:
    from ..data.framing import placed

    if window is None:
        raise ConfigError([f"'{name}' cannot be read, so nothing of it can be shown."])
    return placed(window, middle, nearer)
