"""The caption of every picture: from a file beside it, from a metadata table, or from a name."""

from __future__ import annotations

import csv
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import DataOptions
from ..errors import DataError
from ..sentences import Sentence
from .pictures import SUFFIXES
from .records import Problem
from .text_files import read_text
from .walk import Found
from .wording import has_word

TABLES = ("metadata.csv", "metadata.jsonl")
FILE_COLUMNS = ("file", "file_name", "filename", "image", "image_file", "image_path", "img", "path", "name")
TEXT_COLUMNS = ("prompt", "text", "caption", "captions", "prompts", "tags", "description")


@dataclass(frozen=True)
class Entry:
    """A line of a metadata table: the picture as it is named there, and its caption."""

    table: Path
    picture: str
    text: str


@dataclass(frozen=True)
class Standing:
    """What stands beside a picture, on one line, and the caption file or table that it was read from.

    `entry` is the table's line; `file` is None where nothing stands.
    """

    text: str = ""
    file: Path | None = None
    entry: Entry | None = None


def read_captions(files: Sequence[Found], data: DataOptions, problems: list[Problem]) -> list[str]:
    """The caption of each file, with the trigger word in front; what is wrong is added to `problems`.

    Where nothing stands (`find_captions`), the fallback. Raises DataError if `data.metadata` cannot be read.
    """
    captions = []
    for file, standing in zip(files, find_captions(files, data, problems)):
        trigger = trigger_of(file, data)
        text = standing.text if standing.file else " ".join(_fallback(file, data.caption_fallback, trigger).split())
        captions.append(with_trigger(text, trigger))
    return captions


def find_captions(files: Sequence[Found], data: DataOptions, problems: list[Problem]) -> list[Standing]:
    """What stands beside each file, and where; what is wrong is added to `problems`.

    The first of these that there is: the table named in `data.metadata`, a caption file beside the picture, a metadata
    table in the picture's folder or above it. Raises DataError if `data.metadata` cannot be read.
    """
    given = _from_tables([Path(data.metadata).expanduser()] if data.metadata else [], files, problems, required=True)
    found = _from_tables(_tables_beside(files, data), files, problems)
    captions = []
    for index, file in enumerate(files):
        standing = given.get(index) or _from_caption_file(file.path, data.caption_extensions, problems)
        captions.append(standing or found.get(index) or Standing())
    return captions


def trigger_of(file: Found, data: DataOptions) -> str:
    """The trigger word of the file's folder; pictures for regularization have none but their folder's own."""
    own = file.folder.trigger_word.strip()
    return own or ("" if file.folder.regularization else data.trigger_word.strip())


def with_trigger(caption: str, trigger: str) -> str:
    """The caption with the trigger word in front unless it is in it already, as a whole word."""
    if not trigger or has_word(caption, trigger):
        return caption
    return f"{trigger}, {caption}" if caption else trigger


def words_of(file_name: str) -> str:
    """The words of a file name: without its ending, underscores and a counter at the end."""
    stem = re.sub(r"(^|[\s_.-]+|(?=\())\(?\d+\)?$", "", Path(file_name).stem)
    return " ".join(stem.replace("_", " ").split())


def _fallback(file: Found, kind: str, trigger: str) -> str:
    """Caption of a picture without one; the words of a folder like '10_red cat' stand in for a missing trigger word."""
    return {"file_name": words_of(file.path.name), "trigger": trigger or file.words, "empty": ""}[kind]


def _from_caption_file(picture: Path, extensions: Iterable[str], problems: list[Problem]) -> Standing | None:
    """The first caption file that can be read; its lines are joined by spaces."""
    for path in caption_files(picture, extensions):
        try:
            return Standing(" ".join(read_text(path).split()), path)
        except (FileNotFoundError, IsADirectoryError):
            continue
        except (OSError, ValueError) as error:
            reason = Sentence("caption_unread", "is no readable caption file ({reason})", reason=str(error))
            problems.append(Problem(path, reason, left_out=False))
    return None


def caption_files(picture: Path, extensions: Iterable[str]) -> Iterator[Path]:
    """Where a picture's caption may lie, in the order that is tried: `cat.txt`, `cat.png.txt`, `cat.TXT` and so on."""
    for extension in extensions:
        plain = extension if extension.startswith(".") else f".{extension}"
        for ending in _spellings(plain):
            yield picture.with_suffix(ending)
            yield picture.with_name(picture.name + ending)


def _tables_beside(files: Sequence[Found], data: DataOptions) -> list[Path]:
    """Metadata tables in the pictures' folders and above, up to the root; nearer ones later, so that they win."""
    given = Path(data.metadata).expanduser().resolve() if data.metadata else None
    folders = {parent for file in files for parent in file.path.parents if parent.is_relative_to(file.root)}
    ordered = sorted(folders, key=lambda folder: (len(folder.parts), folder.as_posix()))
    paths = (folder / spelt for folder in ordered for name in TABLES for spelt in _spellings(name))
    return [path for path in paths if path.is_file() and path.resolve() != given]


def _spellings(name: str) -> tuple[str, ...]:
    """A name as it is usual, and as cameras and old programs write it, where that is another file."""
    if os.path.normcase("A") == "a":
        return (name,)
    return tuple(dict.fromkeys((name, name.upper(), name.capitalize())))


def _from_tables(
    tables: Sequence[Path], files: Sequence[Found], problems: list[Problem], required: bool = False
) -> dict[int, Standing]:
    """Captions by the index of their file; entries that name no picture become problems."""
    captions: dict[int, Standing] = {}
    for table in tables:
        try:
            rows = rows_of(table, problems)
        except (OSError, ValueError) as error:
            if required:
                raise DataError(f"The captions in '{table}' (data.metadata) cannot be read: {error}.") from error
            problems.append(Problem(table, f"cannot be read ({error})"))
            continue
        find = _Finder(table.parent, files)
        for row in rows:
            index = find(row.picture)
            if index is None:
                problems.append(Problem(table.parent / row.picture, f"is named in '{table.name}' but is not there"))
            else:
                captions[index] = Standing(" ".join(row.text.split()), table, row)
    return captions


def rows_of(table: Path, problems: list[Problem]) -> list[Entry]:
    """The lines of a metadata table; what is wrong is added to `problems`. Raises OSError and ValueError."""
    text = read_text(table)
    readers = {".jsonl": _jsonl_rows, ".ndjson": _jsonl_rows, ".json": _json_rows}
    return list(readers.get(table.suffix.lower(), _csv_rows)(table, text, problems))


class _Finder:
    """From a picture as a table names it to the index of its file."""

    def __init__(self, folder: Path, files: Sequence[Found]) -> None:
        self._bases = [folder, *dict.fromkeys(file.root for file in files)]
        self._by_path = {_key(file.path): index for index, file in enumerate(files)}
        self._by_name: dict[str, list[int]] = {}
        for index, file in enumerate(files):
            for name in (file.path.name, file.path.stem):
                self._by_name.setdefault(_key(Path(name)), []).append(index)

    def __call__(self, name: str) -> int | None:
        """By its path below the table's folder or a data folder, else by its bare name if that is the only one.

        Names without their ending, as kohya's scripts write them, are bare names too.
        """
        path = Path(name.replace("\\", "/"))
        for base in self._bases:
            if (index := self._by_path.get(_key(base / path))) is not None:
                return index
        same_name = self._by_name.get(_key(Path(path.name)), [])
        return same_name[0] if len(same_name) == 1 else None


def _key(path: Path) -> str:
    """One spelling of a path: macOS stores accents in pieces, Windows ignores case."""
    return unicodedata.normalize("NFC", os.path.normcase(os.path.normpath(path)))


def _csv_rows(table: Path, text: str, problems: list[Problem]) -> Iterator[Entry]:
    """Rows of a CSV with or without a header line; the separator may be a comma, a semicolon or a tab."""
    first_line = text.split("\n", 1)[0]
    separator = max(",;\t", key=first_line.count)
    try:
        rows = [row for row in csv.reader(text.splitlines(keepends=True), delimiter=separator) if any(row)]
    except csv.Error as error:
        problems.append(Problem(table, f"is no readable CSV file ({error})"))
        return
    file_column: int | None = 0
    text_column: int | None = 1
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if not header or Path(header[0]).suffix not in SUFFIXES:
        file_column, text_column = _column(header, FILE_COLUMNS), _column(header, TEXT_COLUMNS)
        rows = rows[1:]
    if file_column is None or text_column is None:
        problems.append(Problem(table, "has no columns 'file' and 'prompt' in its first line"))
        return
    for row in rows:
        if len(row) > max(file_column, text_column):
            yield Entry(table, row[file_column].strip(), row[text_column])
        else:
            problems.append(Problem(table, f"has a line without a caption: '{separator.join(row)}'"))


def _jsonl_rows(table: Path, text: str, problems: list[Problem]) -> Iterator[Entry]:
    """Lines of JSON objects, as in Hugging Face's ImageFolder (file_name, text)."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            problems.append(Problem(table, f"line {number} is no JSON object"))
            continue
        lower = {str(key).strip().lower(): value for key, value in values.items()}
        picture, caption = _first(lower, FILE_COLUMNS), _first(lower, TEXT_COLUMNS)
        if isinstance(picture, str) and isinstance(caption, str):
            yield Entry(table, picture, caption)
        else:
            problems.append(Problem(table, f"line {number} has no text under 'file_name' and 'text'"))


def _json_rows(table: Path, text: str, problems: list[Problem]) -> Iterator[Entry]:
    """One JSON text: {picture: caption}, {picture: {caption, tags}} as kohya's scripts have it, or a list of objects.

    Of what has a caption and tags, the tags follow the caption, as they do there. Raises ValueError for no JSON.
    """
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if isinstance(content, list):
        lines = "\n".join(json.dumps(item) for item in content)
        yield from _jsonl_rows(table, lines, problems)
        return
    for picture, value in content.items() if isinstance(content, dict) else ():
        values = value if isinstance(value, dict) else {"caption": value}
        parts = [part for key in ("caption", "tags") if isinstance(part := values.get(key), str) and part.strip()]
        if parts:
            yield Entry(table, picture, ", ".join(parts))
        else:
            problems.append(Problem(table, f"has no caption for '{picture}'"))


def _column(header: Sequence[str], names: Iterable[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _first(values: dict[str, object], names: Iterable[str]) -> object:
    return next((values[name] for name in names if name in values), None)
