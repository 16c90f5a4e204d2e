"""The data sets as one visitor sees them, and where that visitor's runs may read."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ..visitor import Visitor
from .folder import DataSetFolder
from .roots import Roots, below
from .store import DataSets


class OwnRoots(Roots):
    """What `roots` allow, save the files of others: of `private` folders only what lies in one that is `mine`."""

    def __init__(self, roots: Roots, private: Iterable[Path], mine: Callable[[], Iterable[Path]]) -> None:
        self._roots, self._private, self._mine = roots, [os.path.realpath(folder) for folder in private], mine
        self.limited = True

    def allow(self, path: str | Path) -> bool:
        if not self._roots.allow(path):
            return False
        real = os.path.realpath(os.path.expanduser(str(path)))  # noqa: PTH111  pathlib drops what ends a name
        if not any(below(real, folder) or below(folder, real) for folder in self._private):
            return True
        return any(below(real, os.path.realpath(folder)) for folder in self._mine())


class OwnDataSets(DataSets):
    """Those of a visitor, who owns what is made here. `_all` has them all; others' are not there."""

    def __init__(self, everybody: DataSets, visitor: Visitor, roots: Roots, require_space: Callable[[], None]) -> None:
        self._all, self._visitor, self._require_space = everybody, visitor, require_space
        self.folder, self.uploads, self.owners = everybody.folder, everybody.uploads, everybody.owners
        self.roots = roots

    def list(self) -> builtins.list[DataSetFolder]:
        found = self._all.list()
        if self._visitor.sees_all:
            return found
        owners = self.owners.all()
        return [one for one in found if self._visitor.may_see(*owners.get(one.id, ()))]

    def create(self, name: str) -> DataSetFolder:
        """Raises UserError, also when the visitor has no space left."""
        self._require_space()
        return self._owned(self._all.create(name))

    def copy(self, id: str, name: str = "") -> DataSetFolder:
        self._require_space()
        return self._owned(self._all.copy(self.get(id).id, name))

    def rename(self, id: str, name: str) -> DataSetFolder:
        return self._all.rename(self.get(id).id, name)

    def open_folder(self, path: str | Path) -> DataSetFolder:
        folder = Path(os.path.expanduser(str(path).strip().strip('"')))  # noqa: PTH111  Path raises for '~nobody'
        if folder.is_absolute():
            self.roots.require(folder)
        opened = self._all.open_folder(path)
        return opened if opened.own else self._owned(opened)

    def delete(self, id: str) -> None:
        """A folder opened in place stays as long as others have it open."""
        data_set = self.get(id)
        if not data_set.own and not self._visitor.sees_all and self.owners.drop(id, self._visitor.name):
            return
        self._all.delete(id)

    def _owned(self, made: DataSetFolder) -> DataSetFolder:
        self.owners.add(made.id, self._visitor.name)
        return made
