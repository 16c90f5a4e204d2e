"""`history`: past runs, those of `train` and those of the page: listed, compared, rated, put away, cleared away."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..files.disk import megabytes
from .named import DATA

if TYPE_CHECKING:
    from ..history import History, Past
    from ..history.results import Result

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
        action.set_defaults(run=run)
    return [*runs]


def _history(arguments: argparse.Namespace) -> History:
    """The runs of the page's folder and of a folder that `train` wrote into."""
    from ..history import History
    from ..history.found import runs_in
    from ..host.standalone import DATA_FOLDER
    from ..jobs.reading import past_runs

    return History(lambda: [*past_runs(arguments.data / DATA_FOLDER), *runs_in(arguments.out)])


def _id_of(history: History, named: str) -> str:
    """The id of the one run of that name, id or folder. Raises ConfigError."""
    every = history.every()
    folder = Path(named).as_posix().removesuffix("/")
    found = [run for run in every if named in (run.id, run.name) or folder == run.folder.path.as_posix()]
    exact = [run for run in found if named != run.name] or found
    if len(exact) != 1:
        many = "Several runs are" if exact else "No run is"
        raise ConfigError([f"{many} called '{named}': `history list` shows them with their ids."])
    return exact[0].id


def _list(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..history import Query

    history = _history(arguments)
    query = Query(
        " ".join(arguments.words),
        arguments.sort,
        arguments.sort not in ("name", "loss", "validation"),
        arguments.archived,
    )
    found = history.search(dataclasses.replace(query, size=200))
    runs = [_facts(history, run) for run in found.runs]
    if not arguments.json:
        for run in runs:
            print(_line(run))
        if not runs:
            print("There is no such run." if query.words else "There is no run yet.")
        if found.total > len(runs):
            print(f"... and {found.total - len(runs)} more: name some words.")
    return {"runs": runs, "total": found.total}


def _show(arguments: argparse.Namespace) -> dict[str, Any]:
    history = _history(arguments)
    run = history.get(_id_of(history, arguments.named))
    facts, environment = _facts(history, run), run.environment()
    if not arguments.json:
        print(_line(facts))
        for name in ("base", "trigger_word", "comment"):
            if facts[name]:
                print(f"    {name.replace('_', ' ')}: {facts[name]}")
        if facts["validation"] is not None:
            print(f"    lowest validation loss: {facts['validation']:.4g} at step {facts['validation_step']}")
        print(f"    disk: {', '.join(f'{kind} {megabytes(size)}' for kind, size in facts['sizes'].items() if size)}")
        packages = environment.get("packages") or {}
        print(f"    on {environment.get('device', '?')}, {', '.join(f'{name} {packages[name]}' for name in packages)}")
        print(f"    in {run.folder.path}")
    return {"run": {**facts, "folder": str(run.folder.path), "environment": environment}}


def _compare(arguments: argparse.Namespace) -> dict[str, Any]:
    history = _history(arguments)
    found = history.compare([_id_of(history, named) for named in arguments.runs])
    runs = [_facts(history, run) for run in found.runs]
    options = [dataclasses.asdict(one) for one in found.differences]
    if not arguments.json:
        _print_table(runs, options)
        for result in found.results:
            print(_told(result, {run["id"]: run["name"] for run in runs}))
    return {"runs": runs, "options": options, "votes": [dataclasses.asdict(one) for one in found.results]}


def _rate(arguments: argparse.Namespace) -> dict[str, Any]:
    return _note(arguments, rating=arguments.stars)


def _comment(arguments: argparse.Namespace) -> dict[str, Any]:
    return _note(arguments, comment=arguments.text)


def _archive(arguments: argparse.Namespace) -> dict[str, Any]:
    return _note(arguments, archived=not arguments.undo)


def _note(arguments: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    history = _history(arguments)
    run = _id_of(history, arguments.named)
    history.note(run, **changes)
    facts = _facts(history, history.get(run))
    if not arguments.json:
        print(_line(facts))
    return {"run": facts}


def _free(arguments: argparse.Namespace) -> dict[str, Any]:
    history = _history(arguments)
    kinds = [kind for kind in KINDS if getattr(arguments, kind)]
    if not kinds or not (arguments.runs or arguments.all):
        raise ConfigError([f"Say of which runs (or --all), and what: {', '.join(f'--{kind}' for kind in KINDS)}."])
    every = history.every()
    ids = [run.id for run in every if run.over] if arguments.all else [_id_of(history, one) for one in arguments.runs]
    room = history.room(ids, kinds, really=arguments.yes)
    names = {run.id: run.name for run in every}
    if not arguments.json:
        for run, sizes in room.bytes.items():
            print(f"{names[run]}: {', '.join(f'{kind} {megabytes(size)}' for kind, size in sizes.items())}")
        print("\n".join(room.refused.values()), end="\n" if room.refused else "")
        print(f"{'Freed' if arguments.yes else 'Would free'} {megabytes(room.total)}.")
        if not arguments.yes:
            print("Nothing is deleted yet: --yes does it.")
    return {"freed": arguments.yes, "bytes": room.bytes, "total": room.total, "refused": room.refused}


def _facts(history: History, run: Past) -> dict[str, Any]:
    """What --json tells of a run."""
    facts, notes = run.facts, run.notes
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state,
        "created": run.created,
        "base": run.base,
        "trigger_word": run.trigger_word,
        "step": run.step,
        "total_steps": run.total_steps,
        "loss": facts.loss,
        "validation": facts.validation,
        "validation_step": facts.validation_step,
        "seconds": facts.seconds,
        **notes.to_json(),
        "sizes": history.sizes(run),
    }


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


def _told(result: Result, names: Mapping[str, str]) -> str:
    """What blind votes on the page say."""
    one, other = (names[run] for run in result.runs)
    votes = f"Blind votes: {one} {result.wins[0]}, {other} {result.wins[1]}, neither {result.ties}."
    if result.verdict == "told":
        return f"{votes} {names[result.better]} is better (by chance {result.chance:.1%})."
    return f"{votes} {'Too few to tell.' if result.verdict == 'few' else 'It may be chance.'}"
