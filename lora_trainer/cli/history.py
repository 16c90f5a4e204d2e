"""`history`: past runs, those of `train` and of the page, or a server's: listed, compared, rated, put away, cleared."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files.disk import megabytes
from .named import DATA
from .past import Here, PastRuns, Row, There
from .server import add_server, address_of, connect

OUT = Path("out")
"""Where `train` writes."""
SORTS = ("created", "name", "rating", "loss", "validation", "seconds", "size")
KINDS = ("states", "saves", "samples", "grids", "caches")
HELP = {
    "states": "what runs are resumed from",
    "saves": "all but the finished, the best and the published one",
    "samples": "pictures drawn on the way",
    "grids": "pictures of try-outs",
    "caches": "what was encoded",
}


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    """The command, whose actions are parsers of their own."""
    parser = subparsers.add_parser("history", help="past runs: find, compare, rate, make room", description=__doc__)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    find = actions.add_parser("list", help="all runs, or those that some words are found in ('3*': stars)")
    find.add_argument("words", nargs="*", metavar="WORD", help="in name, base, trigger word, remark, state or date")
    find.add_argument("--sort", choices=SORTS, default="created", help="(default: the newest first)")
    find.add_argument("--archived", choices=("no", "yes", "all"), default="no", help="runs that were put away")
    show = actions.add_parser("show", help="all about a run")
    compare = actions.add_parser("compare", help="what was set differently, and what came of it")
    rate = actions.add_parser("rate", help="give 1 to 5 stars, or 0 for none")
    comment = actions.add_parser("comment", help="write a remark, or take it away with ''")
    archive = actions.add_parser("archive", help="put away: the list leaves it out")
    free = actions.add_parser("free", help="show what would be deleted of runs; with --yes, delete it")
    for action in (show, rate, comment, archive):
        action.add_argument("named", metavar="RUN", help="name, id, or folder of a run")
    for action in (compare, free):
        action.add_argument("runs", nargs="+" if action is compare else "*", metavar="RUN", help="name, id, or folder")
    rate.add_argument("stars", type=int, metavar="STARS")
    comment.add_argument("text", metavar="TEXT")
    archive.add_argument("--undo", action="store_true", help="take it out again")
    for kind in KINDS:
        free.add_argument(f"--{kind}", action="store_true", help=HELP[kind])
    free.add_argument("--all", action="store_true", help="of all runs that have ended")
    free.add_argument("--yes", action="store_true", help="delete")
    runs = {find: _list, show: _show, compare: _compare, rate: _rate, comment: _comment, archive: _archive, free: _free}
    for action, run in runs.items():
        action.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="that of `ui`, or a WebUI's folder")
        action.add_argument("--out", type=Path, default=OUT, metavar="DIR", help=f"where `train` wrote (default {OUT})")
        add_server(action)
        action.set_defaults(run=run)
    return [*runs]


def _runs(arguments: argparse.Namespace) -> PastRuns:
    """Those of the server that is meant, else of this machine."""
    return There(connect(arguments)) if address_of(arguments) else Here(arguments.data, arguments.out)


def _id_of(every: Sequence[Row], named: str) -> str:
    """The id of the one run of that name, id or folder. Raises ConfigError."""
    found = [run for run in every if named in (run["id"], run["name"]) or _lies_in(run, named)]
    exact = [run for run in found if named != run["name"]] or found
    if len(exact) != 1:
        many = "Several runs are" if exact else "No run is"
        raise ConfigError([f"{many} called '{named}': `history list` shows them with their ids."])
    return str(exact[0]["id"])


def _lies_in(run: Row, folder: str) -> bool:
    return "folder" in run and Path(run["folder"]).as_posix() == Path(folder).as_posix().removesuffix("/")


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    words, descending = " ".join(arguments.words), arguments.sort not in ("name", "loss", "validation")
    runs, total = _runs(arguments).find(words, arguments.sort, descending=descending, archived=arguments.archived)
    if not arguments.json:
        for run in runs:
            print(_line(run))
        if not runs:
            print("There is no such run." if words else "There is no run yet.")
        if total > len(runs):
            print(f"... and {total - len(runs)} more: name some words.")
    return {"runs": runs, "total": total}


def _show(arguments: argparse.Namespace) -> dict[str, Any]:
    runs = _runs(arguments)
    run = runs.get(_id_of(runs.every(), arguments.named))
    if not arguments.json:
        print(_line(run))
        for name in ("base", "trigger_word", "comment"):
            if run[name]:
                print(f"    {name.replace('_', ' ')}: {run[name]}")
        if run["validation"] is not None:
            at = f" at step {run['validation_step']}" if "validation_step" in run else ""
            print(f"    lowest validation loss: {run['validation']:.4g}{at}")
        print(f"    disk: {', '.join(f'{kind} {megabytes(size)}' for kind, size in run['sizes'].items() if size)}")
        packages = run["environment"].get("packages") or {}
        device = run["environment"].get("device", "?")
        print(f"    on {device}, {', '.join(f'{name} {packages[name]}' for name in packages)}")
        if "folder" in run:
            print(f"    in {run['folder']}")
    return {"run": {**run}}


def _compare(arguments: argparse.Namespace) -> dict[str, Any]:
    runs = _runs(arguments)
    every = runs.every()
    found = runs.compare([_id_of(every, named) for named in arguments.runs])
    if not arguments.json:
        _print_table(found["runs"], found["options"])
        for result in found["votes"]:
            print(_told(result, {run["id"]: run["name"] for run in found["runs"]}))
    return found


def _rate(arguments: argparse.Namespace) -> dict[str, Any]:
    return _note(arguments, rating=arguments.stars)


def _comment(arguments: argparse.Namespace) -> dict[str, Any]:
    return _note(arguments, comment=arguments.text)


def _archive(arguments: argparse.Namespace) -> dict[str, Any]:
    return _note(arguments, archived=not arguments.undo)


def _note(arguments: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    runs = _runs(arguments)
    run = runs.note(_id_of(runs.every(), arguments.named), **changes)
    if not arguments.json:
        print(_line(run))
    return {"run": {**run}}


def _free(arguments: argparse.Namespace) -> dict[str, Any]:
    kinds = [kind for kind in KINDS if getattr(arguments, kind)]
    if not kinds or not (arguments.runs or arguments.all):
        raise ConfigError([f"Say of which runs (or --all), and what: {', '.join(f'--{kind}' for kind in KINDS)}."])
    runs = _runs(arguments)
    every = runs.every()
    over = [str(run["id"]) for run in every if run["over"]]
    ids = over if arguments.all else [_id_of(every, named) for named in arguments.runs]
    room = runs.free(ids, kinds, really=arguments.yes)
    names = {run["id"]: run["name"] for run in every}
    if not arguments.json:
        for run, sizes in room["bytes"].items():
            print(f"{names[run]}: {', '.join(f'{kind} {megabytes(size)}' for kind, size in sizes.items())}")
        print("\n".join(room["refused"].values()), end="\n" if room["refused"] else "")
        print(f"{'Freed' if arguments.yes else 'Would free'} {megabytes(room['total'])}.")
        if not arguments.yes:
            print("Nothing is deleted yet: --yes does it.")
    return {"freed": arguments.yes, **room}


def _line(run: Mapping[str, Any]) -> str:
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["created"]))
    loss = "" if run["loss"] is None else f"loss {run['loss']:.4g}"
    stars = "*" * run["rating"]
    away = " (put away)" if run["archived"] else ""
    size = megabytes(sum(run["sizes"].values()))
    facts = f"{run['name']:20} {run['state']:11} {run['step']:6} steps  {loss:13} {size:>8}  {stars:5}"
    return f"{day}  {facts} {run['id']}{away}"


def _print_table(runs: Sequence[Mapping[str, Any]], options: Sequence[Mapping[str, Any]]) -> None:
    """Names over columns, results and differing options in rows."""
    rows = [["", *(str(run["name"]) for run in runs)]]
    rows += [[name, *(_short(run[name]) for run in runs)] for name in ("state", "base", "step", "loss", "validation")]
    rows += [["seconds", *(_short(run["seconds"]) for run in runs)]]
    rows += [[option["path"], *map(_short, option["values"])] for option in options]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        sys.stdout.write("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _told(result: Row, names: Mapping[str, str]) -> str:
    """What blind votes on the page say."""
    one, other = (names[run] for run in result["runs"])
    votes = f"Blind votes: {one} {result['wins'][0]}, {other} {result['wins'][1]}, neither {result['ties']}."
    if result["verdict"] == "told":
        return f"{votes} {names[result['better']]} is better (by chance {result['chance']:.1%})."
    return f"{votes} {'Too few to tell.' if result['verdict'] == 'few' else 'It may be chance.'}"
