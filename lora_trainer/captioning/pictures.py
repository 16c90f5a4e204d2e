"""The pictures of a folder that want a caption: which there are, which have one, and which of them are to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import DataOptions, Folder
from ..data.captions import read_captions
from ..data.records import Problem
from ..data.text_files import read_text
from ..data.walk import Found, find_files
from ..sentences import Sentence


@dataclass(frozen=True)
class Wanted:
    """A picture and the caption that it has, without a trigger word or any other stand-in; '' for none."""

    file: Found
    before: str

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def caption_file(self) -> Path:
        """Where its caption is written."""
        return self.file.path.with_suffix(".txt")

    def now(self) -> str:
        """The caption that it has by now: what somebody wrote into its file since, else what it had."""
        try:
            return " ".join(read_text(self.caption_file).split())
        except (OSError, ValueError):
            return self.before


def find_pictures(folder: Path, table: Path | None = None) -> list[Wanted]:
    """All pictures below the folder with their captions, as a training reads them, but those in `table` first.

    Raises DataError when the folder is missing.
    """
    problems: list[Problem] = []
    metadata = str(table) if table is not None and table.is_file() else ""
    data = DataOptions(folders=[Folder(str(folder))], metadata=metadata, caption_fallback="empty")
    files = find_files(data.folders, problems)
    return [Wanted(file, caption) for file, caption in zip(files, read_captions(files, data, problems))]


def sharing(pictures: Sequence[Wanted]) -> dict[str, Sentence]:
    """Pictures whose caption file is that of another one before them, with the reason to leave them out."""
    first: dict[Path, str] = {}
    reasons = {}
    for picture in pictures:
        other = first.setdefault(picture.file.path.with_suffix(""), picture.name)
        if other != picture.name:
            reasons[picture.name] = Sentence(
                "caption_of_another", "has the same name as '{other}' but for the ending: rename one", other=other
            )
    return reasons
