"""What is examined: every picture of a run's folders with its look, its caption and what the run makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ..config import DataOptions
from ..data.captions import caption_files, read_captions, trigger_of
from ..data.marks import Marks, MarksBook
from ..data.pictures import Facts
from ..data.reach import require_readable
from ..data.records import DataSet, Picture, Problem
from ..data.scan import looking, outcome
from ..data.text_files import encoding_of
from ..data.walk import Found, find_files
from .look import Look, Looks

FAMILY = "sd1"
RESOLUTION = 512
"""What is taken for granted where no base says it."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Caption:
    """A caption as it lies beside its picture: without the trigger word that a run puts in front.

    `file` is the caption file, None where there is none; then the text is a table's, or empty. `encoding` is its codec.
    """

    text: str
    file: Path | None = None
    encoding: str = ""


@dataclass(frozen=True)
class Case:
    """A file that looks like a picture. `look` and `picture` are None where it cannot be read, or not be used."""

    file: Found
    marks: Marks
    caption: Caption
    trigger: str
    look: Look | None = None
    picture: Picture | None = None
    problem: str = ""

    @property
    def path(self) -> Path:
        return self.file.path

    @property
    def learned(self) -> bool:
        """Whether it shows what is to be learned, and not the class in general."""
        return not self.file.folder.regularization


@dataclass(frozen=True)
class Subject:
    """All that checks may ask for. `cases` are the pictures that were not excluded, in their order.

    `problems` are those of tables and of files that are no pictures; `may_delete` tells whether files may be deleted.
    """

    data: DataOptions
    cases: tuple[Case, ...]
    excluded: tuple[Found, ...]
    marks: Mapping[Path, Marks]
    problems: tuple[Problem, ...]
    family: str = FAMILY
    max_tokens: int = 75
    may_delete: bool = False

    @cached_property
    def seen(self) -> list[tuple[Case, Look]]:
        """Those that can be read."""
        return [(case, case.look) for case in self.cases if case.look is not None]

    @cached_property
    def usable(self) -> list[tuple[Case, Picture]]:
        """Those that a run would use."""
        return [(case, case.picture) for case in self.cases if case.picture is not None]

    def root_of(self, path: Path) -> Path:
        """The data folder in which a file lies."""
        return next(root for root in {file.root for file in self._files} if path.is_relative_to(root))

    @cached_property
    def _files(self) -> list[Found]:
        return [*(case.file for case in self.cases), *self.excluded]

    @cached_property
    def names(self) -> dict[Path, str]:
        """What pictures are called: their paths below their folder, with its name (or path) where there are several."""
        roots = {file.root for file in self._files}
        if len(roots) == 1:
            return {file.path: file.name for file in self._files}
        distinct = len({root.name for root in roots}) == len(roots)
        return {file.path: f"{file.root.name}/{file.name}" if distinct else str(file.path) for file in self._files}


def gather(
    data: DataOptions,
    looks: Looks,
    *,
    family: str = FAMILY,
    max_tokens: int = 75,
    may_delete: bool = False,
    progress: Progress = lambda done, total: None,
) -> Subject:
    """Look at everything in `data.folders`. Raises DataError when a folder is missing."""
    data = replace(data, resolution=data.resolution or RESOLUTION)
    book, seen = MarksBook(), dict[Path, Look]()

    def look(path: Path) -> Facts:
        seen[path] = looks(path, book(path), data.resolution)
        return seen[path].facts

    data_set = outcome(looking(data, look), progress)
    files = find_files(data.folders, [])
    marks = {file.path: book(file.path) for file in files}
    return Subject(
        data,
        tuple(_cases(files, data, data_set, marks, seen)),
        tuple(file for file in files if marks[file.path].excluded),
        marks,
        tuple(problem for problem in data_set.problems if problem.path not in marks),
        family,
        max_tokens,
        may_delete,
    )


def _cases(
    files: Sequence[Found],
    data: DataOptions,
    data_set: DataSet,
    marks: Mapping[Path, Marks],
    seen: Mapping[Path, Look],
) -> Iterator[Case]:
    """The files that are not excluded, with what is known of each."""
    pictures = {picture.path: picture for picture in data_set.pictures}
    unusable = {problem.path: problem.reason for problem in data_set.problems if problem.left_out}
    for file, caption in zip(files, _captions(files, data)):
        path = file.path
        if not marks[path].excluded:
            trigger = trigger_of(file, data)
            known = seen.get(path), pictures.get(path), unusable.get(path, "")
            yield Case(file, marks[path], caption, trigger, *known)


def _captions(files: Sequence[Found], data: DataOptions) -> list[Caption]:
    """The captions without trigger words, and without anything in place of those that are missing."""
    bare = [replace(file, folder=replace(file.folder, trigger_word="")) for file in files]
    texts = read_captions(bare, replace(data, trigger_word="", caption_fallback="empty"), [])
    return [_caption(file.path, text, data) for file, text in zip(files, texts)]


def _caption(picture: Path, text: str, data: DataOptions) -> Caption:
    for file in caption_files(picture, data.caption_extensions):
        try:
            require_readable(file)
            return Caption(text, file, encoding_of(file.read_bytes()))
        except OSError:
            continue
    return Caption(text)
