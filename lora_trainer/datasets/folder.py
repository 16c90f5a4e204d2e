"""One data set: a folder of pictures, each with its caption."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from .. import health, tagging
from ..config import DataOptions, Folder, TrainConfig
from ..data.captions import caption_files
from ..data.framing import window
from ..data.marks import EXCLUDED, NO_MARKS, Box, Marks, MarksBook, change_marks, marks_of
from ..data.pictures import Facts, inspect
from ..data.reach import reaching
from ..data.records import DataSet, Problem
from ..data.scan import looking, outcome
from ..data.walk import MASK_ENDING, Found, find_files, natural_key, repeats_of
from ..errors import DataError
from ..files.backup import Backup, backups
from ..sentences import Sentence
from . import names
from .contents import Part, contents
from .counting import Counting
from .intake import Added, Intake, as_sentence
from .thumbnails import forget, thumbnail


@dataclass(frozen=True)
class Item:
    """A picture as the page shows it. Sizes are (width, height) in pixels; 0 where the picture cannot be read.

    `caption` is what stands beside the picture, without what the run puts in front of it. `window` is what of the
    picture, turned and without its border, the run shows where crops are not at random places.
    """

    name: str
    caption: str
    width: int
    height: int
    bucket: tuple[int, int]
    repeats: int
    problems: tuple[Sentence, ...] = ()
    marks: Marks = NO_MARKS
    window: Box | None = None


class DataSetFolder:
    """A folder of pictures with an id and a name; `own` when it was uploaded, else it was opened in place.

    Pictures that `allow` does not allow (links that lead out) are neither shown nor given away.
    """

    def __init__(
        self, id: str, path: Path, cache: Path, *, own: bool, allow: Callable[[Path], bool] = lambda path: True
    ) -> None:
        self.id, self.path, self.own = id, path, own
        self._cache, self._allow = cache, allow
        self._lock = threading.Lock()
        self._seen: dict[tuple[Path, int, int], Facts | DataError] = {}
        self._looks = health.Looks()
        self._counting = Counting(self._walked)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def count(self) -> int:
        """How many files look like pictures; 0 when the folder is gone."""
        try:
            return self._counting.count()
        except DataError:
            return 0

    def filled(self) -> None:
        """This program has put pictures into the folder by another way than `add`."""
        self._counting.forget()

    def names(self) -> list[str]:
        """The pictures' names in natural order. Raises DataError when the folder is gone."""
        return [found.name for found in self._files()]

    def items(self, resolution: int, options: DataOptions | None = None) -> list[Item]:
        """All pictures in natural order, as a run at `resolution` with these options would take them.

        Raises DataError when the folder is gone.
        """
        data = replace(
            options or DataOptions(),
            folders=[Folder(str(self.path))],
            resolution=resolution,
            trigger_word="",
            caption_fallback="empty",
        )
        book = MarksBook()
        with reaching(self._allow):
            seen = outcome(looking(data, self._look, lambda path: replace(book(path), excluded=False)))
        items = [*self._usable(seen, book), *self._unusable(seen, book)]
        return sorted(items, key=lambda item: natural_key(item.name))

    @property
    def size(self) -> int:
        """Bytes of all pictures and masks; 0 when the folder is gone."""
        try:
            files = [path for found in self._files() for path in (found.path, found.mask) if path]
        except DataError:
            return 0
        return sum(map(_bytes, files))

    def contents(self, *, table: bool = False) -> list[Part]:
        """The files that it consists of, with a metadata.csv if `table`. Raises DataError when the folder is gone."""
        with reaching(self._allow):
            return contents(self.path, self._allow, table=table)

    def add(self, filename: str, content: bytes | BinaryIO | Path, room: int | None = None) -> Added:
        """Take a picture, a caption or a zip, which may grow by `room` bytes; only captions are overwritten."""
        try:
            return Intake(self.path, self._lock, self._allow, room).take(filename, content)
        finally:
            self._counting.forget()

    def thumbnail(self, name: str, side: int = 256) -> bytes:
        """The picture as a small JPEG of about `side` pixels. Raises DataError when it is not there or unreadable."""
        picture = self._picture(name)
        return thumbnail(picture, side, self._cache, MarksBook()(picture))

    def captions(self) -> dict[str, str]:
        """What stands beside every picture, by name. Raises DataError when the folder is gone."""
        with reaching(self._allow):
            return tagging.captions_of(self.path)

    def set_captions(self, captions: Mapping[str, str], known: Mapping[str, str] | None = None) -> tagging.Saved:
        """Write captions to where a run reads them (`tagging.save`); `undo` takes them back.

        Where one is not as it was `known`, that is told and none is written. Raises DataError, with none written.
        """
        for name in captions if known is None else ():
            self._picture(name)
        with self._lock, reaching(self._allow):
            return tagging.save(self.path, captions, known)

    def backups(self) -> list[Backup]:
        """Changes of captions that `undo` takes back, the newest first."""
        return [one for one in backups(self.path) if all(names.is_text(file.name) for file in one.files)]

    def examine(self, config: TrainConfig, family: str) -> health.Report:
        """What is the matter with the pictures and captions for a run with these options. Raises DataError."""
        with reaching(self._allow):
            return health.report_on(self._gather(config, family))

    def mend(self, kind: str, pictures: Sequence[str], config: TrainConfig) -> str:
        """Apply a fix of `examine`'s; the id for `undo`, empty when it cannot be undone. Raises UserError."""
        if kind == health.DELETE:
            for name in pictures:
                self.remove(name)
            return ""
        with self._lock, reaching(self._allow):
            subject = self._gather(config)
            self._counting.forget()
            return health.apply(kind, pictures, subject)

    def set_marks(self, marks: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what was decided about pictures (`data.marks`). Raises DataError for a wrong value, keeping none."""
        changes = {self._picture(name): marks_of(values) for name, values in marks.items()}
        with self._lock:
            change_marks(changes)

    def undo(self, id: str) -> None:
        """Take back a fix, or set captions. Raises NotFound, and DataError when its files were changed since."""
        with self._lock, reaching(self._allow):
            health.undo(self.path, id)
            self._counting.forget()

    def _gather(self, config: TrainConfig, family: str = health.FAMILY) -> health.Subject:
        data = replace(config.data, folders=[replace(_first(config.data), path=str(self.path))])
        tokens = config.base.max_tokens
        return health.gather(data, self._looks, family=family, max_tokens=tokens, may_delete=self.own)

    def remove(self, name: str) -> None:
        """Delete a picture with its caption and mask. Raises DataError for a folder opened in place."""
        if not self.own:
            raise DataError(
                Sentence(
                    "folder_not_own",
                    "'{path}' is a folder of your own, opened in place: delete '{name}' there if you mean it.",
                    path=str(self.path),
                    name=name,
                )
            )
        picture = self._picture(name)
        with self._lock:
            forget(picture, self._cache)
            companions = [*caption_files(picture, names.CAPTION_SUFFIXES)]
            companions += [file for file in picture.parent.glob("*") if file.stem == picture.stem + MASK_ENDING]
            for file in (picture, *companions):
                _unlink(file)
            self._counting.forget()
            if MarksBook()(picture) != NO_MARKS:  # another picture of this name is another one
                change_marks({picture: NO_MARKS})

    def _picture(self, name: str) -> Path:
        """The file of a picture of the data set. Raises NoSuchPicture."""
        path = names.inside(self.path, name)
        if not (names.is_picture(name) and path.is_file() and self._allow(path)):
            raise names.NoSuchPicture(name)
        return path

    def _files(self) -> list[Found]:
        with reaching(self._allow):
            return find_files([Folder(str(self.path))], [])

    def _walked(self) -> tuple[int, set[str]]:
        passed = set[str]()
        with reaching(self._allow):
            return len(find_files([Folder(str(self.path))], [], passed)), passed

    def _look(self, path: Path) -> Facts:
        """As `inspect`, but each state of a file is looked at once."""
        if not self._allow(path):
            raise DataError(Sentence("picture_link", "is a link that leads out of the allowed folders: not shown"))
        try:
            facts = path.stat()
        except OSError:
            return inspect(path)
        key = (path, facts.st_mtime_ns, facts.st_size)
        if key not in self._seen:
            try:
                self._seen[key] = inspect(path)
            except DataError as error:
                self._seen[key] = error
        known = self._seen[key]
        if isinstance(known, DataError):
            raise known
        return known

    def _usable(self, seen: DataSet, book: MarksBook) -> Iterator[Item]:
        sharing = Counter(picture.path.with_suffix("") for picture in seen.pictures)
        for picture in seen.pictures:
            problems = [as_sentence(problem.reason) for problem in seen.problems if _concerns(problem, picture.path)]
            if not picture.caption:
                problems.append(Sentence("caption_missing", "has no caption: only the trigger word stands for it"))
            if sharing[picture.path.with_suffix("")] > 1:
                problems.append(
                    Sentence(
                        "caption_shared",
                        "has the same name as another picture but for the ending: they share a caption",
                    )
                )
            marks = book(picture.path)
            yield Item(
                picture.name,
                picture.caption,
                *picture.size[::-1],
                picture.bucket[::-1],
                picture.repeats,
                (EXCLUDED,) if marks.excluded else tuple(problems),
                marks,
                window(picture),
            )

    def _unusable(self, seen: DataSet, book: MarksBook) -> Iterator[Item]:
        for problem in seen.problems:
            path = problem.path
            if problem.left_out and names.is_picture(path.name) and path.is_file() and path.is_relative_to(self.path):
                name, repeats = path.relative_to(self.path).as_posix(), repeats_of(path, self.path)[0]
                yield Item(name, "", 0, 0, (0, 0), repeats, (as_sentence(problem.reason),), book(path))


def _concerns(problem: Problem, picture: Path) -> bool:
    """Whether the problem is one of the picture, or of its caption file."""
    if problem.path == picture:
        return True
    return problem.path.suffix in names.CAPTION_SUFFIXES and problem.path.with_suffix("") == picture.with_suffix("")


def _first(data: DataOptions) -> Folder:
    """What the options say of the data set's own folder."""
    return data.folders[0] if data.folders else Folder()


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _unlink(file: Path) -> None:
    try:
        file.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        reason = str(error.strerror or error)
        raise DataError(
            Sentence("file_held", "'{file}' could not be deleted ({reason}).", file=str(file), reason=reason)
        ) from error
