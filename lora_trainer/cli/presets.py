"""`presets`: named starting points: list, show, save, import, export and delete them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError
from ..registry import suggest
from .named import DATA

if TYPE_CHECKING:
    from ..presets import Given, OwnPresets, Preset

ACTIONS = ("list", "show", "save", "import", "export", "delete")
HELP = "list; show or export or delete NAME; save NAME from a configuration or --set; import FILE"


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("presets", help="named starting points", description=__doc__)
    parser.add_argument("action", choices=ACTIONS, help=HELP)
    parser.add_argument("what", nargs="?", default="", metavar="NAME|FILE", help="which preset, or the file to import")
    parser.add_argument("--config", type=Path, metavar="FILE", help="options to save as a preset")
    parser.add_argument("--set", metavar="option.path=value", action="append", default=[], help="any option to save")
    parser.add_argument("--why", default="", metavar="TEXT", help="the sentence that says what the preset is good for")
    parser.add_argument("--family", action="append", default=[], choices=("sd1", "sd2", "sdxl"), help="(repeatable)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to export to")
    parser.add_argument("--replace", action="store_true", help="in place of one of that name")
    add_folder(parser)
    parser.set_defaults(run=run)
    return [parser]


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Where the user's own presets lie."""
    parser.add_argument(
        "--presets",
        type=Path,
        metavar="DIR",
        help="folder of your own presets (default: .train-lora/presets and that of `ui`; a WebUI's is under its data)",
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Raises ConfigError for wrong presets and names, PresetExists for one that is there already."""
    if arguments.action != "list" and not arguments.what:
        what = "a FILE" if arguments.action == "import" else "the NAME of a preset"
        raise ConfigError([f"`presets {arguments.action}` needs {what}."])
    actions = {"list": _list, "show": _show, "save": _save, "import": _import, "export": _export, "delete": _delete}
    result, lines = actions[arguments.action](arguments)
    if not arguments.json:
        sys.stdout.write("\n".join(lines) + "\n")
    return result


def find(name: str, folder: Path | None) -> Preset:
    """The preset of that name, shipped or the user's own. Raises ConfigError that names the nearest."""
    presets = {preset.name: preset for preset in _all(folder)}
    if name not in presets:
        raise ConfigError([f"There is no preset '{name}'. {suggest(name, presets)}"])
    return presets[name]


def _own(folder: Path | None) -> list[OwnPresets]:
    """Where the user's own presets lie; new ones go into the first place."""
    from ..host.standalone import DATA_FOLDER
    from ..presets import FOLDER, OwnPresets

    usual = (Path(DATA_FOLDER) / FOLDER, DATA / DATA_FOLDER / FOLDER)
    return [OwnPresets(place) for place in ((folder,) if folder else usual)]


def _all(folder: Path | None) -> list[Preset]:
    """Every preset; of two with one name the later one is hidden."""
    from ..presets import load_presets

    found = [*load_presets(), *(preset for place in _own(folder) for preset in place.all())]
    return list({preset.name: preset for preset in found[::-1]}.values())[::-1]


def _list(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    presets = _all(arguments.presets)
    lines = [f"{preset.name:<24} {preset.title}{' (your own)' if preset.own else ''}" for preset in presets]
    own = _own(arguments.presets)
    damaged = {str(path): str(reason) for place in own for path, reason in place.damaged()}
    lines += [f"Not usable: {path}: {reason}" for path, reason in damaged.items()]
    return {"presets": [_plain(preset) for preset in presets], "damaged": damaged}, lines


def _show(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from ..presets import to_text

    preset = find(arguments.what, arguments.presets)
    return _plain(preset), [to_text(preset).rstrip()]


def _save(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from ..presets import make_preset

    values = options.read_yaml(arguments.config) if arguments.config else {}
    values = options.merged(values, options.parse_changes(arguments.set))
    return _kept(make_preset(arguments.what, arguments.why, values, families=tuple(arguments.family)), arguments)


def _import(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from ..presets import from_text
    from ..presets.sharing import MOST_BYTES

    file = Path(arguments.what)
    if not file.is_file():
        raise ConfigError([f"There is no file '{file}'. Check the path."])
    with file.open("rb") as opened:
        return _kept(from_text(opened.read(MOST_BYTES + 1), file.name), arguments)


def _export(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    from ..files.atomic import write_text
    from ..presets import to_text

    preset = find(arguments.what, arguments.presets)
    out = arguments.out or Path(f"{preset.name}.yaml")
    if out.exists() and not arguments.replace:
        raise ConfigError([f"'{out}' is there already: name another file with --out, or add --replace."])
    write_text(out, to_text(preset))
    return {"out": str(out)}, [f"Written to {out}."]


def _delete(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    places = _own(arguments.presets)
    known = (place for place in places if any(preset.name == arguments.what for preset in place.all()))
    next(known, places[0]).delete(arguments.what)
    return {"deleted": arguments.what}, [f"'{arguments.what}' is deleted."]


def _kept(given: Given, arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    preset = _own(arguments.presets)[0].save(given.preset, replace=arguments.replace)
    lines = [f"Kept as '{preset.name}': `train --preset \"{preset.name}\"` uses it."]
    if given.left_out:
        lines.append(f"Left out, for they are yours alone: {', '.join(given.left_out)}.")
    return {**_plain(preset), "left_out": list(given.left_out)}, lines


def _plain(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "title": str(preset.title),
        "why": str(preset.why),
        "families": list(preset.families),
        "lineage": preset.lineage,
        "goal": preset.goal,
        "own": preset.own,
        "values": dict(preset.values),
    }
