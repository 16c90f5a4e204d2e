"""What a data set consists of: pictures, masks, captions and what was decided, for copies of it and for zip files."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..config import DataOptions, Folder
from ..data.captions import Standing, find_captions
from ..data.marks import MARKS_FILE, NO_MARKS, Marks, MarksBook, marks_file
from ..data.walk import MASK_ENDING, Found, find_files, repeats_of
from ..errors import DataError
from ..files.disk import RESERVE, free_bytes
from ..sentences import Sentence
from . import names
from .incoming import CHUNK

TABLE = "metadata.csv"


@dataclass(frozen=True)
class Part:
    """A file of a data set: its name, which every system takes, and where its content is, or the content itself."""

    name: str
    source: Path | bytes

    @property
    def size(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size

    def pieces(self) -> Iterator[bytes]:
        """The content. Raises OSError."""
        if isinstance(self.source, bytes):
            yield self.source
            return
        with self.source.open("rb") as file:
            while piece := file.read(CHUNK):
                yield piece


def contents(root: Path, allow: Callable[[Path], bool] = lambda path: True, *, table: bool = False) -> list[Part]:
    """All parts of the data set in `root`; `table`: with all captions in a metadata.csv (file, prompt) as well.

    A caption stands in a file of its own, also where it came from a table. Files that are not allowed are left out.
    Raises DataError when the folder is gone.
    """
    data = DataOptions(folders=[Folder(str(root))])
    files = [file for file in find_files(data.folders, []) if allow(file.path)]
    return _parts(files, find_captions(files, data, []), allow, table=table)


def contents_of_run(data: DataOptions) -> list[list[Part]]:
    """The parts of each of a run's folders, with the captions that the run would read, each in a file of its own.

    Where a folder's own name says something ('10_red cat'), its parts stay in a folder of that name. Raises DataError
    when a folder is gone, or `data.metadata` cannot be read.
    """
    files = find_files(data.folders, [])
    captions = find_captions(files, data, [])
    found = []
    for folder in data.folders:
        of = [(file, caption) for file, caption in zip(files, captions) if file.folder is folder]
        found.append(_parts([file for file, _ in of], [caption for _, caption in of], inside=_telling(of)))
    return found


def _telling(of: Sequence[tuple[Found, Standing]]) -> str:
    """The name of the folder of these files, where repeats or words are read from it."""
    root = of[0][0].root if of else Path()
    return root.name if repeats_of(root / "picture", root) != (1, "") else ""


def _parts(
    files: Sequence[Found],
    captions: Sequence[Standing],
    allow: Callable[[Path], bool] = lambda path: True,
    *,
    table: bool = False,
    inside: str = "",
) -> list[Part]:
    given = _given_names(files, inside)
    book, decided = MarksBook(), dict[str, dict[str, Marks]]()
    parts, rows = list[Part](), list[tuple[str, str]]()
    for file, name, caption in zip(files, given, captions):
        path = PurePosixPath(name)
        parts.append(Part(name, file.path))
        if file.mask and allow(file.mask):
            parts.append(Part(str(path.with_name(path.stem + MASK_ENDING + file.mask.suffix)), file.mask))
        if caption.file:
            rows.append((name, caption.text))
            parts.append(Part(str(path.with_suffix(".txt")), f"{caption.text}\n".encode() if caption.text else b""))
        if (marks := book(file.path)) != NO_MARKS:
            decided.setdefault(path.parent.as_posix(), {})[path.name] = marks
    parts += [Part((PurePosixPath(folder) / MARKS_FILE).as_posix(), marks_file(all)) for folder, all in decided.items()]
    return [*parts, Part(TABLE, _table(rows))] if table and rows else parts


def write_parts(parts: Sequence[Part], folder: Path) -> None:
    """Write them as files. Raises DataError when the disk has no room, and when one cannot be read or written."""
    try:
        needed, free = sum(part.size for part in parts), free_bytes(folder)
        if needed + RESERVE > free:
            sentence = "The copy needs {size} MB, but only {free} MB are free."
            raise DataError(Sentence("copy_disk", sentence, size=needed >> 20, free=free >> 20))
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            file = folder / part.name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(part.source, bytes):
                file.write_bytes(part.source)
            else:
                shutil.copy2(part.source, file)
    except OSError as error:
        reason = f"{error.filename or folder}: {error.strerror or error}"
        raise DataError(
            Sentence("copy_failed", "The data set could not be copied ({reason}).", reason=reason)
        ) from error


def _given_names(files: Sequence[Found], inside: str) -> list[str]:
    """A safe name for each file below `inside`, no two alike but for the ending: they would share a caption."""
    taken, given = set[str](), list[str]()
    for file in files:
        path = _safe(PurePosixPath(inside, file.name))
        free, number = path, 2
        while (key := free.with_suffix("").as_posix().casefold()) in taken:
            free = path.with_name(f"{path.stem}-{number}{path.suffix}")
            number += 1
        taken.add(key)
        given.append(free.as_posix())
    return given


def _safe(path: PurePosixPath) -> PurePosixPath:
    """A name that is taken again by an upload; what is deeper than that allows moves up."""
    shallow = PurePosixPath(*path.parent.parts[: names.DEEPEST], path.name)
    try:
        return PurePosixPath(names.safe_name(shallow.as_posix()))
    except DataError:  # nothing is left of a part of it
        return PurePosixPath(f"picture{path.suffix}")


def _table(rows: Sequence[tuple[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "prompt"))
    writer.writerows(rows)
    return text.getvalue().encode()
