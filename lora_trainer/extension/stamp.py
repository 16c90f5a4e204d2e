"""What the installation found, kept beside the packages: where each needed one lies, or why there is none."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__, packages
from ..files.atomic import write_text
from ..sentences import Sentence, to_json

ROOT = Path(__file__).resolve().parents[2]
"""The extension's folder."""
FOLDER, FILE = "packages", "stamp.json"
LOOKED_AT = ("torch", "transformers", "accelerate", "huggingface-hub", "safetensors", "numpy", *packages.NEEDED)
"""The packages whose versions decide whether what was found still holds."""


@dataclass(frozen=True)
class Stamp:
    """`fingerprint`: versions when it was made; `places`: the folder each needed package lies in; or the `problem`."""

    fingerprint: Mapping[str, str]
    places: Mapping[str, Path] = field(default_factory=dict)
    problem: Sentence | None = None

    def holds(self) -> bool:
        """Whether the installation need not be looked at again."""
        there = all((place / name).is_dir() for name, place in self.places.items())
        return not self.problem and there and self.places.keys() >= set(packages.NEEDED) and self.fingerprint == now()


def now() -> dict[str, str]:
    """The versions that are installed now; quick, nothing is imported."""
    versions = {"python": sys.version.split()[0], "python_path": sys.prefix, "extension": __version__}
    for name in LOOKED_AT:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return versions


def read(root: Path = ROOT) -> Stamp | None:
    """The stamp of the extension in `root`; None when there is none that can be read."""
    try:
        values = json.loads((root / FOLDER / FILE).read_text(encoding="utf-8"))
        problem = values["problem"]
        return Stamp(
            values["fingerprint"],
            {name: root / place for name, place in values["places"].items()},
            Sentence(problem["code"], problem["template"], **problem["values"]) if problem else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write(stamp: Stamp, root: Path = ROOT) -> None:
    """Keep the stamp. Places in the extension are kept relative to it. Raises UserError when it cannot be written."""
    places = {}
    for name, place in stamp.places.items():
        inside = place.is_relative_to(root)
        places[name] = place.relative_to(root).as_posix() if inside else str(place)
    values = {"fingerprint": stamp.fingerprint, "places": places, "problem": _plain(stamp.problem)}
    write_text(root / FOLDER / FILE, json.dumps(values, ensure_ascii=False, indent=1))


def _plain(problem: Sentence | None) -> dict[str, Any] | None:
    """As `to_json`; the text as a template, in which nothing is left to fill in."""
    if problem is None:
        return None
    values = to_json(problem)
    return {**values, "template": values["text"].replace("{", "{{").replace("}", "}}")}
