"""Captions written to where a training reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..captioning.table import merged, plain
from ..config import DataOptions, Folder
from ..data.captions import FILE_COLUMNS, TEXT_COLUMNS, Standing, find_captions
from ..data.reach import require_readable
from ..data.text_files import read_text
from ..data.walk import Found, find_files
from ..errors import DataError, NotFound
from ..files.atomic import write_all
from ..files.backup import backed_up
from ..sentences import Sentence


@dataclass(frozen=True)
class Conflict:
    """A picture whose caption is not what was known of it: `now` is what it is, None where the picture is gone."""

    name: str
    now: str | None


@dataclass(frozen=True)
class Saved:
    """What came of saving. With `conflicts` nothing was written; `backup` takes back what was, empty for nothing."""

    backup: str = ""
    written: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


@dataclass
class _Plan:
    """What is to be written: whole caption files, and lines of tables by the pictures' names there."""

    texts: dict[Path, str] = field(default_factory=dict)
    tables: dict[Path, dict[str, str]] = field(default_factory=dict)


def captions_of(root: Path) -> dict[str, str]:
    """The captions of all pictures below a folder, as they lie there; '' for none. Raises DataError."""
    return {name: standing.text for name, (_, standing) in _standing(root).items()}


def save(root: Path, captions: Mapping[str, str], known: Mapping[str, str] | None = None) -> Saved:
    """Write captions below `root`, each to where a training reads it: its file, its line in a table, else a new .txt.

    `known` is what the writer took for the present captions: where somebody else wrote meanwhile, nothing is written.
    All are written, or none. Raises NotFound for an unknown picture, DataError when two captions would lie in one file.
    """
    now = _standing(root)
    wanted = {name: " ".join(text.split()) for name, text in captions.items()}
    if conflicts := _conflicts(now, wanted, known or {}):
        return Saved(conflicts=conflicts)
    for name in wanted.keys() - now.keys():
        raise NotFound(Sentence("file_missing", "There is no picture '{name}' in the data set.", name=name))
    changed = {name: text for name, text in wanted.items() if text != now[name][1].text}
    if not changed:
        return Saved()
    plan = _plan(now, changed)
    texts = {table: _with_lines(table, lines) for table, lines in plan.tables.items()}
    texts |= {file: text + "\n" if text else "" for file, text in plan.texts.items()}
    for file in texts:
        _require_own(file)
    with backed_up(root, texts) as backup:
        write_all({file: text.encode("utf-8") for file, text in texts.items()})
    return Saved(backup, tuple(changed))


def _require_own(file: Path) -> None:
    """Raise DataError for a link that is not to be followed: a backup of it would be a copy of what lies elsewhere."""
    try:
        require_readable(file)
    except PermissionError:
        sentence = "'{file}' is a link that leads out of the allowed folders: nothing was written."
        raise DataError(Sentence("caption_link", sentence, file=file.name)) from None


def _standing(root: Path) -> dict[str, tuple[Found, Standing]]:
    data = DataOptions(folders=[Folder(str(root))])
    files = find_files(data.folders, [])
    return {file.name: (file, standing) for file, standing in zip(files, find_captions(files, data, []))}


def _conflicts(
    now: Mapping[str, tuple[Found, Standing]], wanted: Mapping[str, str], known: Mapping[str, str]
) -> tuple[Conflict, ...]:
    """Where neither what was known nor what is wanted is there."""
    found = []
    for name in (name for name in wanted if name in known):
        text = now[name][1].text if name in now else None
        if text not in (" ".join(known[name].split()), wanted[name]):
            found.append(Conflict(name, text))
    return tuple(found)


def _plan(now: Mapping[str, tuple[Found, Standing]], changed: Mapping[str, str]) -> _Plan:
    plan, owners = _Plan(), dict[Path, str]()
    for name, text in changed.items():
        file, standing = now[name]
        if standing.entry is not None:
            plan.tables.setdefault(standing.entry.table, {})[standing.entry.picture] = text
            continue
        target = standing.file or file.path.with_suffix(DataOptions().caption_extensions[0])
        if plan.texts.setdefault(target, text) != text:
            sentence = "'{name}' and '{other}' share the caption file '{file}': rename one of them, or write the same."
            raise DataError(
                Sentence("caption_file_shared", sentence, name=name, other=owners[target], file=target.name)
            )
        owners[target] = name
    return plan


def _with_lines(table: Path, lines: Mapping[str, str]) -> str:
    """The text of a table with other captions; whatever else stands in it stays."""
    text = read_text(table)
    if table.suffix.lower() == ".csv":
        return merged(text, {plain(name): caption for name, caption in lines.items()}, str(table))
    return "\n".join(_with_caption(line, lines) for line in text.split("\n"))


def _with_caption(line: str, lines: Mapping[str, str]) -> str:
    """A line of JSON with another caption where it is of one of these pictures."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(values, dict):
        return line
    columns = {str(name).strip().lower(): name for name in values}
    picture, caption = (next((columns[name] for name in names if name in columns), "") for names in _KINDS)
    text = lines.get(values[picture]) if picture and isinstance(values[picture], str) else None
    return line if text is None else json.dumps({**values, caption: text}, ensure_ascii=False)


_KINDS = (FILE_COLUMNS, TEXT_COLUMNS)
