"""Standing in for a package that cannot be imported, while another one is imported that only mentions it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


@contextmanager
def placeholders(package: str) -> Iterator[None]:
    """Inside, `package` and all of its modules can be imported, and every name in them is an empty class.

    Afterwards the package is again what it was before: missing, or said to be missing. What was imported inside keeps
    the empty classes, which serves as long as it only derives from them or asks whether something is one.
    """
    finder = _Finder(package)
    before = {name: sys.modules.pop(name) for name in _names(package)}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in _names(package):
            del sys.modules[name]
        sys.modules.update(before)


def _names(package: str) -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == package]


class _Empty(type):
    """The type of the empty classes: what is asked of one, as of an enumeration, is the name of what was asked."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _Module(ModuleType):
    __path__: Any = ()

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Empty(name, (), {})
        setattr(self, name, made)
        return made


class _Finder(MetaPathFinder, Loader):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self._package:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""
