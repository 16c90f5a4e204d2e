"""Named starting points: settings that experts use for a kind of base and a goal, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..sentences import Sentence

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Preset:
    """A starting point. `values` are nested options, those that it sets and no others.

    `families` are the kinds of bases that it is meant for; `base`, where it is set, the one base by name.
    """

    name: str
    title: Sentence
    why: Sentence
    values: Mapping[str, Any]
    families: tuple[str, ...] = ()
    base: str = ""


def load_presets(folder: Path = HERE) -> list[Preset]:
    """All presets in a folder of YAML files, in their order. Raises ConfigError for a file that is none."""
    found = [_load(path) for path in folder.glob("*.yaml")]
    return [preset for _, preset in sorted(found, key=lambda pair: (pair[0], pair[1].name))]


def _load(path: Path) -> tuple[float, Preset]:
    """The preset and its place in the order."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        title, why, values = (content[key] for key in ("title", "why", "values"))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise ConfigError([f"The preset {path} cannot be read: {error!r}. It needs title, why and values."]) from error
    code = f"preset_{path.stem.replace('-', '_')}"
    preset = Preset(
        path.stem,
        Sentence(f"{code}_title", "{text}", text=str(title)),
        Sentence(f"{code}_why", "{text}", text=str(why)),
        values,
        tuple(content.get("families", ())),
        str(content.get("base", "")),
    )
    return float(content.get("order", 1000)), preset
