"""Mending what other packages do to each other when they are imported."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any


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
