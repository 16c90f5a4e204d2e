"""Taking files into a data set: pictures under names that are free, captions beside the pictures they belong to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ..data.captions import rows_of
from ..data.marks import MARKS_FILE, change_marks, marks_in
from ..data.walk import MASK_ENDING
from ..errors import DataError
from ..files.atomic import write_text
from ..sentences import Sentence
from . import names
from .incoming import CHUNK, LARGEST_TEXT, copy, stage, staging
from .unpack import MOST_BYTES, Member, opened


@dataclass(frozen=True)
class Refused:
    """A file that was not taken, and the end of the sentence that begins with its name."""

    name: str
    reason: Sentence


@dataclass
class Added:
    """What became of the files: names in the data set of those that were taken, and the others with their reasons."""

    added: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class Intake:
    """One upload into the folder `root`. `lock` is held while a name is chosen and given.

    Nothing is put where `allow` does not allow it: links may lead out of the folder. `room` is by how many bytes a zip
    may be longer than its file when it is unpacked.
    """

    def __init__(
        self,
        root: Path,
        lock: threading.Lock,
        allow: Callable[[Path], bool] = lambda path: True,
        room: int | None = None,
    ) -> None:
        self.root, self.result = root, Added()
        self._lock, self._allow, self._room = lock, allow, room
        self._renamed: dict[str, str] = {}
        self._placed: dict[str, str] = {}
        self._moved = False

    def take(self, filename: str, content: bytes | BinaryIO | Path) -> Added:
        """A picture, a caption, or a zip of them. A file's path spares a large zip a copy; the file stays."""
        try:
            name = names.safe_name(filename)
            with staging(self.root) as place:
                if names.is_zip(name):
                    self._take_zip(place, _as_file(content, place / "upload.zip"))
                else:
                    with _as_stream(content) as stream:
                        self._take_file(place, name, stream)
        except DataError as error:
            self._refuse(filename, error)
        return self.result

    def _take_zip(self, place: Path, archive: Path) -> None:
        """Every member on its own: one bad picture does not keep the others out."""
        with opened(archive, self._room) as members:
            for member in sorted(members, key=_pictures_first):
                try:
                    self._take_member(place, member)
                except DataError as error:
                    self._refuse(member.name, error)

    def _take_member(self, place: Path, member: Member) -> None:
        if PurePosixPath(member.name).name == MARKS_FILE:
            self._take_marks(member)
        elif not names.is_litter(member.name):
            name = names.safe_name(member.name)
            if names.is_table(name) and (self._moved or (self.root / name).exists()):
                self._take_rows(name, stage(place, name, member.open()))
            else:
                self._take_file(place, name, member.open())

    def _take_rows(self, name: str, staged: Path) -> None:
        """Captions from a table whose place is taken, or whose pictures have other names now: as files beside them."""
        folder = PurePosixPath(name).parent
        for row in rows_of(staged, []):
            given = folder / _safe_or_none(row.picture)
            placed = self._placed.get(given.as_posix(), "")
            if names.is_picture(placed) and given.with_suffix(".txt").as_posix() not in self._placed:
                write_text((self.root / placed).with_suffix(".txt"), " ".join(row.text.split()) + "\n")
        self.result.added.append(name)

    def _take_marks(self, member: Member) -> None:
        """What was decided about the pictures of a folder of the zip, under the names that they were given."""
        data = member.open().read(LARGEST_TEXT + 1)
        try:
            entries = marks_in(data) if len(data) <= LARGEST_TEXT else {}
        except ValueError as error:
            raise DataError(Sentence("text_damaged", "is no readable text ({reason})", reason=str(error))) from error
        folder = names.safe_name(member.name.removesuffix(MARKS_FILE) + "x").removesuffix("x")
        changes = {}
        for name, marks in entries.items():
            picture = folder + ("" if "/" in name else _safe_or_none(name))
            path = self.root / self._placed.get(picture, picture)
            if names.is_picture(picture) and path.is_file() and self._allow(path):
                changes[path] = marks
        with self._lock:
            change_marks(changes)

    def _take_file(self, place: Path, name: str, stream: BinaryIO) -> None:
        if "/" in name and not self._allow((self.root / name).parent):
            raise DataError(Sentence("folder_link", "would lie in a folder that a link leads to: refused"))
        staged = stage(place, name, stream)
        with self._lock:
            self.result.added.append(self._give_place(staged, name))

    def _give_place(self, staged: Path, name: str) -> str:
        """Move a file to its name, or the next free one; returns that name."""
        free = self._free_name(staged, name) if names.is_picture(name) else self._companion_name(name)
        self._placed[name] = free
        self._moved = self._moved or free != name
        target = self.root / free
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        except OSError as error:
            reason = str(error.strerror or error)
            raise DataError(Sentence("file_unwritten", "could not be stored ({reason})", reason=reason)) from error
        return free

    def _free_name(self, staged: Path, name: str) -> str:
        """The picture's own name where nothing or the same picture has it."""
        if MASK_ENDING in name and (moved := self._companion_name(name)) != name:
            return moved
        path = PurePosixPath(name)
        folder = self.root / path.parent
        there = {file.name for file in folder.iterdir() if names.is_picture(file.name)} if folder.is_dir() else set()
        if path.name in there and _same_content(staged, folder / path.name):
            return name
        free = path.with_name(names.unused(path.name, there))
        self._renamed[_stem(name)] = free.stem
        return free.as_posix()

    def _companion_name(self, name: str) -> str:
        """The name of a caption or mask after that of its picture in the same upload."""
        path = PurePosixPath(name)
        ending = MASK_ENDING if path.stem.endswith(MASK_ENDING) else ""
        picture = path.with_name(path.stem.removesuffix(ending) + path.suffix)
        moved = self._renamed.get(_stem(picture.as_posix()))
        return name if moved is None else path.with_name(moved + ending + path.suffix).as_posix()

    def _refuse(self, name: str, error: DataError) -> None:
        self.result.refused.append(Refused(name, as_sentence(error.sentence)))


def as_sentence(text: str) -> Sentence:
    return text if isinstance(text, Sentence) else Sentence("plain", "{text}", text=text)


def _pictures_first(member: Member) -> tuple[bool, bool, bool]:
    """Captions, masks and marks follow their pictures, whose names decide theirs; tables give way to caption files."""
    name = member.name
    return not names.is_picture(name), names.is_mask(name), names.is_table(name)


def _as_file(content: bytes | BinaryIO | Path, place: Path) -> Path:
    if isinstance(content, Path):
        return content
    with _as_stream(content) as stream:
        copy(stream, place, MOST_BYTES)
    return place


def _as_stream(content: bytes | BinaryIO | Path) -> AbstractContextManager[BinaryIO]:
    """A stream of the content; one that was given is left open."""
    if isinstance(content, Path):
        return content.open("rb")
    return BytesIO(content) if isinstance(content, bytes) else nullcontext(content)


def _safe_or_none(name: str) -> str:
    """A name in a file as its picture was stored; empty when it leads elsewhere."""
    try:
        return names.safe_name(name)
    except DataError:
        return ""


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _same_content(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as a, other.open("rb") as b:
        while part := a.read(CHUNK):
            if part != b.read(CHUNK):
                return False
    return True
