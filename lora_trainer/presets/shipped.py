"""The presets that come with the trainer: YAML files, of which one may build on another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import options
from ..errors import ConfigError
from ..sentences import Sentence
from .preset import Preset

HERE = Path(__file__).parent
LAST = 1000
"""Place in the order of a file that names none."""
INHERITED = ("families", "lineage", "base")


def load_presets(folder: Path = HERE) -> list[Preset]:
    """All presets in a folder of YAML files, in their order. Raises ConfigError for a file that is none.

    A file that `builds_on` another has that one's values, families, lineage and base where it says nothing else.
    One without a title is there to be built on alone.
    """
    files = {path.stem: _read(path) for path in sorted(folder.glob("*.yaml"))}
    whole = {name: _whole(name, files, folder) for name in files}
    offered = [name for name in whole if "title" in whole[name]]
    offered.sort(key=lambda name: (float(whole[name].get("order", LAST)), name))
    return [_preset(name, whole[name]) for name in offered]


def _read(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unreadable(path, repr(error)) from error
    if not isinstance(content, dict) or not isinstance(content.get("values"), dict):
        raise _unreadable(path, "it has no values")
    if "title" in content and not content.get("why"):
        raise _unreadable(path, "it does not say why")
    return content


def _whole(name: str, files: Mapping[str, dict[str, Any]], folder: Path, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """What a file says, with what it builds on."""
    content = files[name]
    base = content.get("builds_on")
    if base is None:
        return content
    if base not in files or base in (name, *above):
        raise _unreadable(folder / f"{name}.yaml", f"it builds on '{base}', which is not there or builds on it")
    ground = _whole(base, files, folder, (*above, name))
    inherited = {key: ground[key] for key in INHERITED if key in ground}
    return inherited | content | {"values": options.merged(ground["values"], content["values"])}


def _preset(name: str, content: Mapping[str, Any]) -> Preset:
    code = f"preset_{name.replace('-', '_')}"
    return Preset(
        name,
        Sentence(f"{code}_title", "{text}", text=str(content["title"])),
        Sentence(f"{code}_why", "{text}", text=str(content["why"])),
        content["values"],
        tuple(content.get("families", ())),
        base=str(content.get("base", "")),
        lineage=str(content.get("lineage", "")),
        goal=str(content.get("goal", "")),
    )


def _unreadable(path: Path, reason: str) -> ConfigError:
    return ConfigError([f"The preset {path} cannot be read: {reason}. It needs values, and a title with a why."])
