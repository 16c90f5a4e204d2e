"""Vocabularies: the tags among which zero-shot tagging chooses, in YAML or plain text, shipped and the user's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..data.text_files import read_text
from ..errors import FileFormatError, NotFound
from ..files.atomic import write_text
from ..files.names import safe_stem
from ..plain_yaml import load
from ..sentences import Sentence

SHIPPED = Path(__file__).parent / "lists"
FOLDER = "vocabularies"
"""The user's own, in the folder of captioning: a file of a shipped one's name takes its place, others are added."""
SUFFIXES = (".yaml", ".yml", ".txt")
TEMPLATES = ("a photo of {}", "a picture of {}", "{}")
LATE = 50
"""The place of a vocabulary that names none, behind those that are shipped."""
KEYS = {"order", "most", "threshold", "templates", "nothing", "tags"}


@dataclass(frozen=True)
class Vocabulary:
    """Tags of one kind. At most `most` of them are given, each with a share of at least `threshold`.

    The shares of the tags and of `nothing` (prompts that say that none of the tags fits) sum to 1. The model is asked
    with every tag put into each of the `templates`. Tags of a lower `order` stand further in front.
    """

    name: str
    tags: tuple[str, ...]
    most: int = 1
    threshold: float = 0.2
    templates: tuple[str, ...] = TEMPLATES
    nothing: tuple[str, ...] = ()
    order: int = LATE

    def prompts(self) -> list[list[str]]:
        """For every tag, then everything in `nothing`, the texts that stand for it."""
        filled = [[template.replace("{}", tag) for template in self.templates] for tag in self.tags]
        return [*filled, *([text] for text in self.nothing)]


def load_vocabularies(own: Path | None = None, shipped: Path = SHIPPED) -> list[Vocabulary]:
    """All vocabularies in their order, in which the tags are written; those in the folder `own` win. Empty ones are
    left out.

    Raises FileFormatError naming the file that cannot be used.
    """
    files = vocabulary_files(own, shipped)
    read = [read_vocabulary(file) for file in files.values()]
    return sorted((one for one in read if one.tags), key=lambda one: (one.order, one.name))


def vocabulary_files(own: Path | None = None, shipped: Path = SHIPPED) -> dict[str, Path]:
    """The file of each vocabulary by its name."""
    folders = [folder for folder in (shipped, own) if folder is not None and folder.is_dir()]
    found = {path.stem: path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES}
    return dict(sorted(found.items()))


def read_vocabulary(file: Path) -> Vocabulary:
    """A vocabulary from a file: YAML as docs/captions.md shows it, or text with a tag on every line.

    Raises FileFormatError.
    """
    try:
        text = read_text(file)
        if file.suffix == ".txt":
            return Vocabulary(file.stem, _tags(text.split("\n")))
        return _from_values(file.stem, load(text) or {})
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise _unusable(file, error) from error


def save_vocabulary(own: Path, name: str, text: str) -> Path:
    """Write a vocabulary of the user's own, YAML, that takes the place of a shipped one of its name.

    Raises UserError for a name that is none, FileFormatError with nothing written when the text is no vocabulary.
    """
    file = own / f"{safe_stem(name)}.yaml"
    try:
        _from_values(file.stem, load(text) or {})
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise _unusable(file, error) from error
    write_text(file, text)
    return file


def vocabulary_values(file: Path) -> dict[str, Any]:
    """What a vocabulary's file says, with all its tags, though it be turned off. Raises FileFormatError."""
    read_vocabulary(file)
    text = read_text(file)
    values = {"tags": text.split("\n")} if file.suffix == ".txt" else load(text) or {}
    values = values if isinstance(values, dict) else {"tags": values}
    return {**values, "tags": list(_tags(values.get("tags") or ()))}


def change_vocabulary(own: Path, name: str, changes: Mapping[str, Any]) -> Path:
    """Put other values (`tags`, `most`, `threshold` ...) into a vocabulary, the rest as it is: in the user's own file.

    A new name makes a new one. Raises UserError as `save_vocabulary`, FileFormatError.
    """
    before = vocabulary_files(own).get(name)
    values = {**(vocabulary_values(before) if before else {}), **changes}
    if "tags" in changes:
        values["tags"] = list(_tags(changes["tags"]))
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=120)
    file = save_vocabulary(own, name, text)
    for older in (file.with_suffix(suffix) for suffix in SUFFIXES if suffix != file.suffix):
        older.unlink(missing_ok=True)  # another spelling of the same file, which this one holds now
    return file


def forget_vocabulary(own: Path, name: str) -> None:
    """Delete the user's own vocabulary of that name; the shipped one counts again. Raises NotFound."""
    file = vocabulary_files(own).get(name)
    if file is None or file.parent != own:
        raise NotFound(Sentence("no_vocabulary", "There is no vocabulary '{name}' of your own.", name=name))
    file.unlink()


def _from_values(name: str, values: Mapping[str, Any] | list[Any]) -> Vocabulary:
    """Raises ValueError that says what is wrong."""
    if isinstance(values, list):
        values = {"tags": values}
    if not isinstance(values, Mapping) or (unknown := set(values) - KEYS):
        named = ", ".join(sorted(map(str, unknown))) if isinstance(values, Mapping) else "a text"
        raise ValueError(f"it may hold {', '.join(sorted(KEYS))}, but holds {named}.")
    most, threshold, order = values.get("most", 1), values.get("threshold", 0.2), values.get("order", LATE)
    if not (isinstance(most, int) and isinstance(order, int)) or most < 0:
        raise ValueError(f"most and order are {most} and {order}, but must be whole numbers.")
    if not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}, but must lie between 0 and 1.")
    return Vocabulary(
        name,
        _tags(values.get("tags") or ()) if most else (),
        most,
        float(threshold),
        tuple(map(str, values.get("templates") or TEMPLATES)),
        tuple(map(str, values.get("nothing") or ())),
        order,
    )


def _unusable(file: Path, error: Exception) -> FileFormatError:
    sentence = "The vocabulary '{file}' cannot be used: {reason}"
    return FileFormatError(Sentence("vocabulary_unread", sentence, file=str(file), reason=str(error)))


def _tags(lines: Iterable[Any]) -> tuple[str, ...]:
    """Each tag once; empty lines and those that begin with '#' are none."""
    stripped = (" ".join(str(line).split()) for line in lines)
    return tuple(dict.fromkeys(tag for tag in stripped if tag and not tag.startswith("#")))
