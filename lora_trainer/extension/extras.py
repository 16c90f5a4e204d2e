"""Packages that are good to have and no more: fetched beside the needed ones where the host lacks them."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .pins import pins
from .stamp import FOLDER

log = logging.getLogger(__name__)

EXTRAS = ("wakepy", "jeepney") if sys.platform.startswith("linux") else ("wakepy",)
"""What keeps the machine from sleeping over a run; on Linux it speaks to the system through the second."""
FILE = "host-extras.txt"

Fetch = Callable[[Sequence[str], Path], str]


def bring(root: Path, fetch: Fetch) -> dict[str, Path]:
    """The folders of those that the extension has by itself; what cannot be fetched is done without."""
    folder = root / FOLDER
    lacking = [name for name in EXTRAS if importlib.util.find_spec(name) is None]
    versions = pins(root / "requirements" / FILE)
    wanted = [f"{name}=={versions[name]}" for name in lacking if not (folder / name).is_dir()]
    if wanted and (reason := fetch(wanted, folder)):
        log.info("Done without %s: %s", " and ".join(wanted), reason)
    return {name: folder for name in lacking if (folder / name).is_dir()}
