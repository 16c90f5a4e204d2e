"""All data sets: those that were uploaded, in folders of their own, and folders of the machine that were opened."""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import shutil
import threading
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ..data.walk import natural_key
from ..errors import DataError, NotFound
from ..files.atomic import write_text
from ..files.names import safe_stem
from ..registry import suggest
from ..sentences import Sentence
from .contents import write_parts
from .folder import DataSetFolder
from .incoming import staging
from .intake import Added
from .owners import Owners
from .roots import Roots
from .uploads import Uploads

THUMBNAILS, OPENED, UPLOADS = ".thumbnails", ".opened.json", ".uploads"
ZIP = "upload.zip"


class NoSuchDataSet(NotFound):
    """There is no data set of this id (any more)."""


class DataSets:
    """The data sets in `folder`, and folders opened in place, as far as `roots` allow them."""

    def __init__(self, folder: Path, roots: Roots | None = None) -> None:
        self.folder = folder
        self.roots = roots or Roots()
        self.uploads = Uploads(folder / UPLOADS)
        self.owners = Owners(folder)
        self._lock = threading.Lock()
        self._known: dict[Path, DataSetFolder] = {}

    def list(self) -> list[DataSetFolder]:
        """Uploaded ones first, each kind in natural order of its names."""
        own = [self._data_set(path, own=True) for path in self._own_folders()]
        allowed = filter(self.roots.allow, self._opened())  # some were opened when nobody else could look
        opened = [self._data_set(path, own=False) for path in allowed if path.is_dir()]
        return [*own, *sorted(opened, key=lambda found: natural_key(found.name))]

    def get(self, id: str) -> DataSetFolder:
        """Raises NoSuchDataSet."""
        for data_set in self.list():
            if data_set.id == id:
                return data_set
        raise NoSuchDataSet(Sentence("dataset_missing", "This data set is not there any more."))

    def find(self, name: str) -> DataSetFolder:
        """By its name, or its id. Raises NoSuchDataSet."""
        known = self.list()
        for data_set in known:
            if name in (data_set.name, data_set.id):
                return data_set
        hint = suggest(name, [data_set.name for data_set in known])
        raise NoSuchDataSet(Sentence("dataset_unknown", "There is no data set '{name}'. {hint}", name=name, hint=hint))

    def uploaded_at(self, path: str | Path) -> str:
        """The id of the uploaded data set that lies, or lay, there; empty for any other folder."""
        folder = Path(path)
        return own_id(folder.name) if folder.parent.resolve() == self.folder.resolve() else ""

    def create(self, name: str) -> DataSetFolder:
        """A new, empty one; a number is added to a name that is taken. Raises UserError when a name leaves nothing."""
        with self._lock:
            path = self._free(name)
            _make_folder(path)
        return self._data_set(path, own=True)

    def copy(self, id: str, name: str = "") -> DataSetFolder:
        """A data set of the same pictures, captions, masks and decisions, in a folder of its own.

        Raises NoSuchDataSet, and DataError when the disk is full or a file cannot be read.
        """
        source = self.get(id)
        parts = source.contents()
        with staging(self.folder) as place:
            copied = place / "set"
            write_parts(parts, copied)
            with self._lock:
                path = self._free(name or source.name)
                _rename(copied, path, source.name)
        return self._data_set(path, own=True)

    def rename(self, id: str, name: str) -> DataSetFolder:
        """Give an uploaded data set another name, and with it another id.

        Raises NoSuchDataSet, and DataError for a name that is taken and for a folder opened in place.
        """
        data_set, stem = self.get(id), safe_stem(name)
        if not data_set.own:
            sentence = "'{path}' is a folder of your own, opened in place: rename it there if you mean it."
            raise DataError(Sentence("folder_not_renamed", sentence, path=str(data_set.path)))
        path = self.folder / stem
        with self._lock:
            if path.exists() and not path.samefile(data_set.path):  # the same: only its capitals change
                sentence = "There is a data set called '{name}' already: choose another name."
                raise DataError(Sentence("dataset_exists", sentence, name=stem))
            if path != data_set.path:
                _rename(data_set.path, path, data_set.name)
                self._forget(data_set)
        renamed = self._data_set(path, own=True)
        self.owners.move(id, renamed.id)
        return renamed

    def take_zip(self, name: str, content: bytes | BinaryIO | Path) -> tuple[DataSetFolder, Added]:
        """A new data set of what is in a zip file. Raises DataError, and leaves none, when nothing of it is usable."""
        made = self.create(name)
        added = made.add(ZIP, content)
        if not added.added:
            self.delete(made.id)
            reason = added.refused[0] if added.refused else None
            said = f"'{reason.name}' {reason.reason}" if reason else "it is empty"
            raise DataError(Sentence("zip_useless", "Nothing in the zip file can be used: {reason}.", reason=said))
        return made, added

    def open_folder(self, path: str | Path) -> DataSetFolder:
        """A folder of the machine, used where it lies. Raises DataError when it is none, or not to be opened."""
        folder = Path(os.path.expanduser(str(path).strip().strip('"')))  # noqa: PTH111  Path raises for '~nobody'
        if folder.is_absolute():
            self.roots.require(folder)  # before anything is asked of the disk
        if not folder.is_absolute() or not folder.is_dir():
            raise DataError(
                Sentence(
                    "folder_missing", "There is no folder '{path}' on this machine: give its full path.", path=str(path)
                )
            )
        folder = folder.resolve()
        if folder == folder.parent:
            raise DataError(
                Sentence(
                    "folder_whole_disk",
                    "'{path}' is a whole disk: choose the folder of the pictures.",
                    path=str(folder),
                )
            )
        if folder.parent == self.folder.resolve() and not folder.name.startswith("."):
            return self._data_set(self.folder / folder.name, own=True)
        with self._lock:
            self._remember([*(known for known in self._opened() if known != folder), folder])
        return self._data_set(folder, own=False)

    def delete(self, id: str) -> None:
        """Delete an uploaded data set with all its pictures; a folder opened in place is only forgotten."""
        data_set = self.get(id)
        with self._lock:
            self._forget(data_set)
            self.owners.drop(id)
            if not data_set.own:
                self._remember([known for known in self._opened() if known != data_set.path])
                return
            try:
                shutil.rmtree(data_set.path)
            except OSError as error:
                raise DataError(
                    Sentence(
                        "dataset_held",
                        "The data set '{name}' could not be deleted whole ({reason}).",
                        name=data_set.name,
                        reason=str(error.strerror or error),
                    )
                ) from error

    def _data_set(self, path: Path, *, own: bool) -> DataSetFolder:
        """The one object of this folder: it remembers what it saw of the pictures."""
        if path not in self._known:
            id = _id(path.name if own else str(path), own)
            cache = self.folder / THUMBNAILS / id
            self._known[path] = DataSetFolder(id, path, cache, own=own, allow=self.roots.allow)
        return self._known[path]

    def _forget(self, data_set: DataSetFolder) -> None:
        """Drop what was remembered of it, and its thumbnails."""
        self._known.pop(data_set.path, None)
        shutil.rmtree(self.folder / THUMBNAILS / data_set.id, ignore_errors=True)

    def _free(self, name: str) -> Path:
        """The folder of a new data set of that name, with a number where it is taken."""
        stem = safe_stem(name)
        number, path = 2, self.folder / stem
        while path.exists():
            path = self.folder / f"{stem}-{number}"
            number += 1
        return path

    def _own_folders(self) -> builtins.list[Path]:
        if not self.folder.is_dir():
            return []
        folders = [path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
        return sorted(folders, key=lambda path: natural_key(path.name))

    def _opened(self) -> builtins.list[Path]:
        try:
            paths = json.loads((self.folder / OPENED).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [Path(path) for path in paths if isinstance(path, str)] if isinstance(paths, list) else []

    def _remember(self, folders: Sequence[Path]) -> None:
        write_text(self.folder / OPENED, json.dumps([str(folder) for folder in folders], ensure_ascii=False, indent=1))


def own_id(name: str) -> str:
    """The id of an uploaded data set of that name."""
    return _id(name, own=True)


def _id(name: str, own: bool) -> str:
    """The same for the same folder in every process; fit for an address."""
    plain = unicodedata.normalize("NFC", f"{'own' if own else 'opened'}:{name}")
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _rename(folder: Path, path: Path, name: str) -> None:
    try:
        folder.rename(path)
    except OSError as error:
        reason = str(error.strerror or error)
        sentence = "The data set '{name}' could not be moved ({reason})."
        raise DataError(Sentence("dataset_unmoved", sentence, name=name, reason=reason)) from error


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True)
    except OSError as error:
        reason = str(error.strerror or error)
        raise DataError(
            Sentence("folder_unmade", "The folder '{path}' cannot be made ({reason}).", path=str(path), reason=reason)
        ) from error
