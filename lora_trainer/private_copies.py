"""Packages under names of our own, so that any other version of them may live in the same process.

`load("diffusers", folder)` gives `lora_trainer_packages.diffusers`. Its files are untouched; what they import by the
usual name (`from diffusers.utils import ...`) leads to the private copy too, because each of its modules gets an
`__import__` of its own. `sys.path`, `sys.modules["diffusers"]` and everyone else's imports stay as they are.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

PREFIX = "lora_trainer_packages"

_folders: dict[str, str] = {}
"""Where the private copies lie, by the package's own name."""


def load(name: str, folder: Path, *, beside: Mapping[str, Path] | None = None) -> ModuleType:
    """The package `name` of `folder` as a private copy; `beside` are others that it is to find as private copies.

    The first folder that a package was loaded from stays its own. Raises ImportError, or whatever the package raises.
    """
    for other, place in {**(beside or {}), name: folder}.items():
        _folders.setdefault(other, str(place))
    _install()
    return importlib.import_module(f"{PREFIX}.{name}")


def _install() -> None:
    """The parent package and the finder, once in a process."""
    if PREFIX not in sys.modules:
        parent = ModuleType(PREFIX, __doc__)
        parent.__path__ = []
        sys.modules[PREFIX] = parent
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the modules of private copies, and nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        prefix, _, name = fullname.partition(".")
        if prefix != PREFIX or not name:
            return None
        if "." not in name:
            path = [_folders[name]] if name in _folders else []
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Runs a module whose import statements lead to private copies where there are any."""

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] = (),
    level: int = 0,
) -> ModuleType:
    """As Python's own `__import__`; absolute names of private copies get their prefix."""
    top = name.partition(".")[0]
    if level or top not in _folders:
        return builtins.__import__(name, globals, locals, fromlist, level)
    module = builtins.__import__(f"{PREFIX}.{name}", globals, locals, fromlist or ("",), 0)
    return module if fromlist else sys.modules[f"{PREFIX}.{top}"]
