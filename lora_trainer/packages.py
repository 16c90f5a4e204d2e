"""diffusers, peft and open_clip: the one place that they are imported through, and from where.

On its own the trainer imports what is installed. Inside a WebUI, where other extensions bring their own versions, the
packages that were found to work are named by `use`, and come as private copies when the process holds others.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from . import own_process, private_copies
from .errors import UserError
from .placeholders import placeholders
from .sentences import Sentence

NEEDED = ("diffusers", "peft")

_places: dict[str, Path] = {}
_find_problem: Callable[[], Sentence | None] | None = None


def diffusers() -> ModuleType:
    """The module diffusers. Raises UserError when there is none that works."""
    return _load("diffusers")


def peft() -> ModuleType:
    """The module peft. Raises UserError when there is none that works."""
    return _load("peft")


def open_clip() -> ModuleType:
    """The module open_clip, without its reading of pictures. Raises UserError when there is none that works.

    It names torchvision's transforms as it is imported. Where torchvision cannot be imported, placeholders let its
    models come up all the same: they are made of torch alone.
    """
    mend_imports()
    try:
        import transformers.utils

        if importlib.util.find_spec("torchvision") is not None:
            return importlib.import_module("open_clip")
        transformers.utils.is_torchvision_available()  # remembers that there is none, before there seems to be one
        with placeholders("torchvision"):
            return importlib.import_module("open_clip")
    except ImportError as error:
        raise UserError(
            Sentence(
                "open_clip_broken",
                "The package open_clip cannot be imported ({reason}). Install it: pip install open_clip_torch.",
                reason=str(error),
            )
        ) from error


def import_all() -> None:
    """Import all that a training needs at once, the classes behind lazy modules too. Raises UserError as the others.

    Python's collector waits meanwhile: what imports make stays, and to look through it again and again takes a second.
    """
    waits = gc.isenabled()
    gc.disable()
    try:
        models, _ = diffusers(), peft()
        _ = models.UNet2DConditionModel, models.AutoencoderKL  # modules that come when they are asked for
        from transformers import CLIPTextModel  # noqa: F401
    finally:
        if waits:
            gc.enable()
    own_process.everything_is_imported()


def use(places: Mapping[str, Path]) -> None:
    """Take packages from these folders (the folder that holds `diffusers/`), whatever else has been imported."""
    _places.clear()
    _places.update(places)


def places() -> Mapping[str, Path]:
    """The folders that `use` named, for another process that is to take packages from them as well."""
    problem()  # what is asked may name them first
    return dict(_places)


def report_problems_from(find: Callable[[], Sentence | None]) -> None:
    """Ask `find` for the sentence that says why the packages cannot be used, each time that somebody wants them."""
    global _find_problem
    _find_problem = find


def problem() -> Sentence | None:
    """Why nothing can be trained now: packages that are missing or do not work. None when all is well."""
    return _find_problem() if _find_problem else None


def _load(name: str) -> ModuleType:
    if (sentence := problem()) is not None:
        raise UserError(sentence)
    mend_imports()
    try:
        place = _places.get(name)
        if place is None or _is_from(name, place):
            return importlib.import_module(name)
        others = {other: folder for other, folder in _places.items() if not _is_from(other, folder)}
        return private_copies.load(name, place, beside=others)
    except ImportError as error:
        raise UserError(
            Sentence(
                "package_broken",
                "The package {package} cannot be imported ({reason}). Training needs it: install it again.",
                package=name,
                reason=str(error),
            )
        ) from error


def _is_from(name: str, place: Path) -> bool:
    """Whether `import name` gives the package that lies in `place`: what is imported already, else what would be."""
    try:
        spec = getattr(sys.modules[name], "__spec__", None) if name in sys.modules else importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return False
    origin = spec.origin if spec else None
    return origin is not None and Path(origin).resolve().parent.parent == place.resolve()


def mend_imports() -> None:
    """Call before the first import of transformers, diffusers or peft.

    transformers imports torchvision wherever it is installed, and open_clip_torch brings it along; one that was built
    for another torch fails ("operator torchvision::nms does not exist") and takes all three with it. None of them
    needs it here, so a torchvision that cannot be imported is made to look as though it were not installed.
    """
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision") is None:
        return
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError, OSError, AttributeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        modules: dict[str, Any] = sys.modules
        modules["torchvision"] = None  # Python's own sign for "cannot be imported"; find_spec then finds nothing
