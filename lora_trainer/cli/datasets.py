"""`datasets`: the data sets of the page, listed, sent, copied, renamed, put into zips and taken from them, deleted."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..files.disk import megabytes
from .named import DATA, require
from .server import add_server, address_of, connect

if TYPE_CHECKING:
    from ..client import Client
    from ..datasets import DataSetFolder, DataSets


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    """The command, whose actions are parsers of their own."""
    parser = subparsers.add_parser("datasets", help="list, copy, export, import, delete data sets", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    every = actions.add_parser("list", help="all of them, with their sizes")
    send = actions.add_parser("upload", help="send a folder of pictures to a server")
    copy = actions.add_parser("copy", help="make another one of the same pictures and captions")
    rename = actions.add_parser("rename", help="give one another name")
    export = actions.add_parser("export", help="write a zip with pictures, captions, masks and what was decided")
    take = actions.add_parser("import", help="make one of a zip")
    delete = actions.add_parser("delete", help="delete one with its pictures; asks before")
    for action in (copy, rename, export, delete):
        action.add_argument("name", metavar="NAME", help="the data set")
    copy.add_argument("new", nargs="?", default="", metavar="NEW", help="name of the copy")
    rename.add_argument("new", metavar="NEW")
    export.add_argument("file", nargs="?", type=Path, metavar="FILE.zip", help="default: NAME.zip")
    export.add_argument("--replace", action="store_true", help="also a file that is there")
    take.add_argument("file", type=Path, metavar="FILE.zip")
    take.add_argument("new", nargs="?", default="", metavar="NAME", help="default: the file's name")
    send.add_argument("folder", type=Path, metavar="DIR")
    send.add_argument("new", nargs="?", default="", metavar="NAME", help="default: the folder's name")
    scale = "scale large pictures down before, to what a training at this resolution can use"
    send.add_argument("--scale-for", type=int, default=0, metavar="PX", help=f"{scale} (or at the base's, if more)")
    send.set_defaults(run=_upload)
    for action in (every, send):
        add_server(action)
    delete.add_argument("--yes", action="store_true", help="do not ask")
    runs = {every: _list, copy: _copy, rename: _rename, export: _export, take: _import, delete: _delete}
    for action, run in runs.items():
        action.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="that of `ui`, or a WebUI's folder")
        action.set_defaults(run=run)
    return [*runs, send]


def _store(arguments: argparse.Namespace) -> DataSets:
    """The data sets below --data. Raises ConfigError when that is not there."""
    from ..datasets import DataSets
    from ..host.standalone import DATA_FOLDER

    require(arguments.data)
    return DataSets(arguments.data / DATA_FOLDER / "datasets")


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    there = connect(arguments).datasets.list() if address_of(arguments) else None
    every: list[Any] = [_facts(one) for one in _store(arguments).list()] if there is None else [*there]
    if not arguments.json:
        width = max((len(one["name"]) for one in every), default=0)
        for one in every:
            size, place = megabytes(one["bytes"]), "" if one["own"] else f"  in {one['path']}"
            print(f"{one['name']:{width}}  {one['count']:5} pictures  {size:>8}{place}")
        if not every:
            print("There is no data set yet.")
    return {"datasets": every}


def _upload(arguments: argparse.Namespace) -> dict[str, Any]:
    from .sending import sent

    require(arguments.folder)
    client, name = connect(arguments), arguments.new or arguments.folder.resolve().name
    scale_for = arguments.scale_for and max(arguments.scale_for, _resolution_of(client))
    made = sent(client, arguments.folder, name, scale_for=scale_for, quiet=arguments.json)
    facts = next(one for one in client.datasets.list() if one["id"] == made)
    if not arguments.json:
        print(f"{facts['count']} pictures in '{facts['name']}'.")
    return {**facts}


def _resolution_of(client: Client) -> int:
    """That of the server's base; 0 while it has none."""
    base = client.state()["host"]["base"]
    return int(base["native_resolution"]) if base else 0


def _copy(arguments: argparse.Namespace) -> dict[str, Any]:
    store = _store(arguments)
    return _told(arguments, store.copy(store.find(arguments.name).id, arguments.new), "Copied to '{name}'.")


def _rename(arguments: argparse.Namespace) -> dict[str, Any]:
    store = _store(arguments)
    return _told(arguments, store.rename(store.find(arguments.name).id, arguments.new), "Renamed to '{name}'.")


def _export(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the zip, whole or not at all. Raises ConfigError for a file that is there."""
    from ..datasets.pack import zipped
    from ..files.atomic import replacing

    data_set = _store(arguments).find(arguments.name)
    file = arguments.file or Path(f"{data_set.name}.zip")
    if file.exists() and not arguments.replace:
        raise ConfigError([f"'{file}' is there already. Name another file, or give --replace."])
    with replacing(file) as out:
        for piece in zipped(data_set.contents(table=True)):
            out.write(piece)
    if not arguments.json:
        print(f"{data_set.count} pictures in {file} ({megabytes(file.stat().st_size)}).")
    return {"file": str(file), **_facts(data_set)}


def _import(arguments: argparse.Namespace) -> dict[str, Any]:
    """Take what can be used of the zip, and say what cannot. Raises DataError when that is everything."""
    require(arguments.file)
    made, added = _store(arguments).take_zip(arguments.new or arguments.file.stem, arguments.file)
    refused = [{"name": one.name, "reason": str(one.reason)} for one in added.refused]
    for one in refused:
        print(f"Left out: {one['name']} {one['reason']}", file=sys.stderr)
    told = _told(arguments, made, "{count} pictures in '{name}'.")
    return {**told, "added": added.added, "refused": refused}


def _delete(arguments: argparse.Namespace) -> dict[str, Any]:
    """Delete after asking. Raises ConfigError where nobody can be asked."""
    store = _store(arguments)
    data_set = store.find(arguments.name)
    facts = _facts(data_set)
    if not arguments.yes:
        if arguments.json or not sys.stdin.isatty():
            raise ConfigError([f"'{data_set.name}' is not deleted without being asked for: give --yes."])
        what = f"with its {data_set.count} pictures" if data_set.own else "from the list; its files stay"
        if input(f"Delete '{data_set.name}' {what}? [y/N] ").strip().lower() not in ("y", "yes"):
            return {"ok": False, "error": "Nothing was deleted."}
    store.delete(data_set.id)
    if not arguments.json:
        print(f"'{data_set.name}' is deleted.")
    return facts


def _told(arguments: argparse.Namespace, data_set: DataSetFolder, sentence: str) -> dict[str, Any]:
    facts = _facts(data_set)
    if not arguments.json:
        print(sentence.format(**facts))
    return facts


def _facts(one: DataSetFolder) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "count": one.count,
        "bytes": one.size,
        "own": one.own,
        "path": str(one.path),
    }
