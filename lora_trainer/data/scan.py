"""From folders to a data set: find the pictures, look at each, and say what cannot be used and why."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from ..config import DataOptions
from ..errors import DataError
from ..sentences import Sentence
from .buckets import Buckets
from .captions import read_captions
from .framing import growth, marked_size
from .marks import EXCLUDED, Marks, MarksBook
from .pictures import SUFFIXES, Facts, inspect
from .records import DataSet, Picture, Problem, Size
from .walk import Found, find_files

MOST_NAMED = 10
"""How many unusable files an error message names."""
ENLARGED = 2
"""A picture that has to grow by more than this factor is worth a remark."""


def scan(data: DataOptions) -> DataSet:
    """The data set in `data.folders`. Raises DataError when a folder is missing or no picture can be used."""
    return outcome(scanning(data))


def outcome(
    steps: Generator[tuple[int, int], None, DataSet], progress: Callable[[int, int], None] = lambda done, total: None
) -> DataSet:
    """What `scanning` or `looking` comes to; `progress` hears how far it is."""
    while True:
        try:
            progress(*next(steps))
        except StopIteration as end:
            return end.value


def scanning(data: DataOptions) -> Generator[tuple[int, int], None, DataSet]:
    """As `scan`, yielding how many of how many files have been looked at (`data_set = yield from scanning(...)`)."""
    data_set = yield from looking(data)
    _require_pictures(data_set, data)
    return data_set


def looking(
    data: DataOptions, look: Callable[[Path], Facts] = inspect, marks_of: Callable[[Path], Marks] | None = None
) -> Generator[tuple[int, int], None, DataSet]:
    """As `scanning`, but content with a data set in which nothing can be used.

    `look` may remember what it saw; `marks_of` may know other marks than those that lie beside the pictures.
    """
    problems: list[Problem] = []
    files = find_files(data.folders, problems)
    captions = read_captions(files, data, problems)
    buckets, book = Buckets.from_options(data), MarksBook()
    marks = [(marks_of or book)(file.path) for file in files]
    problems += [Problem(path, reason, left_out=False) for path, reason in book.damaged]
    pictures = []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        try:
            facts = [
                None if mark.excluded else pool.submit(copy_context().run, look, file.path)
                for file, mark in zip(files, marks)
            ]
            for done, (file, caption, mark, answer) in enumerate(zip(files, captions, marks, facts), 1):
                picture = _picture(file, caption, mark, answer, buckets, problems)
                pictures += [picture] if picture else []
                yield done, len(files)
        finally:
            pool.shutdown(cancel_futures=True)
    return DataSet(tuple(pictures), tuple(problems))


def _picture(
    file: Found,
    caption: str,
    marks: Marks,
    facts: Future[Facts] | None,
    buckets: Buckets,
    problems: list[Problem],
) -> Picture | None:
    """The picture's record, or None and a new problem."""
    if facts is None:
        problems.append(Problem(file.path, EXCLUDED))
        return None
    try:
        fact = facts.result()
        size = marked_size(fact, marks)
        bucket = buckets.choose(size)
    except DataError as error:
        problems.append(Problem(file.path, error.sentence))
        return None
    picture = Picture(
        path=file.path,
        name=file.name,
        digest=fact.digest,
        size=size,
        bucket=bucket,
        caption=caption,
        repeats=file.repeats,
        weight=file.folder.weight,
        regularization=file.folder.regularization,
        mask=file.mask,
        marks=marks,
    )
    if (times := growth(picture)) > ENLARGED:
        problems.append(Problem(file.path, _enlarged(size, times), left_out=False))
    return picture


def _enlarged(size: Size, growth: float) -> str:
    return Sentence(
        "picture_enlarged",
        "is small ({width} x {height} pixels) and enlarged {times} times, which makes it blurred",
        width=size[1],
        height=size[0],
        times=round(growth, 1),
    )


def _require_pictures(data_set: DataSet, data: DataOptions) -> None:
    """Raise DataError when there is nothing to train on, with the reasons."""
    if any(not picture.regularization for picture in data_set.pictures):
        return
    places = ", ".join(f"'{folder.path}'" for folder in data.folders)
    if data_set.pictures:
        raise DataError(f"All pictures in {places} are for regularization: add a folder of what is to be learned.")
    left_out = [problem for problem in data_set.problems if problem.left_out]
    unusable = [problem for problem in left_out if problem.path.suffix.lower() in SUFFIXES]
    if not unusable:
        raise DataError(f"There are no pictures in {places} or the folders below. Check data.folders.")
    lines = [f"- {problem}" for problem in left_out[:MOST_NAMED]]
    if len(left_out) > MOST_NAMED:
        lines.append(f"- and {len(left_out) - MOST_NAMED} more")
    raise DataError("\n".join([f"None of the {len(unusable)} pictures in {places} can be used:", *lines]))
