"""`tags`: what stands in the captions of a folder, and operations on them; each can be taken back."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, UserError

if TYPE_CHECKING:
    from ..tagging import Choice

MOST_LISTED = 40
"""Tags and changed captions that are printed; --json has all."""
LAST = "last"

Values = dict[str, Any]


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("tags", help="count and change the tags of captions", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="pictures, also in folders below")
    for flag, metavar, make, text in _OPERATIONS:
        parser.add_argument(flag, dest="operations", action="append", default=[], metavar=metavar, type=make, help=text)
    for flag, values, text in _PLAIN:
        parser.add_argument(flag, dest="operations", action="append_const", const=values, help=text)
    parser.add_argument("--old-trigger", default="", metavar="WORD", help="with --trigger: the word before, taken off")
    parser.add_argument("--first", default="", metavar="A,B", help="with --sort: these stand in front")
    parser.add_argument("--match-case", action="store_true", help="for texts and patterns")
    _add_choice(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would change, and write nothing")
    parser.add_argument("--undo", nargs="?", const=LAST, metavar="ID", help="take back the last change, or that one")
    parser.set_defaults(run=run)
    return [parser]


def _add_choice(parser: argparse.ArgumentParser) -> None:
    only: dict[str, Any] = {"action": "append", "default": [], "metavar": "TAG"}
    parser.add_argument("--only-with", **only, help="captions with this tag; twice: with both")
    parser.add_argument("--only-with-any", metavar="A,B", default="", help="captions with one of these")
    parser.add_argument("--only-without", **only, help="captions without this tag")
    parser.add_argument("--only-text", metavar="TEXT", default="", help="captions that hold this text")
    parser.add_argument("--only-missing", action="store_true", help="pictures without a caption")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Count, or change and save. Raises ConfigError, UserError for a wrong operation, DataError for the folder."""
    from ..tagging import apply, captions_of, operation_of, save

    folder = arguments.folder.expanduser().absolute()
    if arguments.undo is not None:
        return _undo(folder, arguments.undo, arguments.json)
    try:
        operations = [operation_of(_completed(values, arguments)) for values in arguments.operations]
    except UserError as error:
        raise ConfigError([error.sentence]) from error
    before = captions_of(folder)
    chosen = _choice(arguments).of(before)
    if not operations:
        return _count(before, chosen, quiet=arguments.json)
    after = dict(before)
    for operation in operations:
        after |= apply(operation, after, chosen)
    changed = {name: text for name, text in after.items() if text != before[name]}
    saved = None if arguments.dry_run else save(folder, changed, known=before)
    if saved is not None and saved.conflicts:
        named = ", ".join(conflict.name for conflict in saved.conflicts)
        raise UserError(
            f"Nothing was written: captions were changed by another program meanwhile ({named}). Try again."
        )
    backup = saved.backup if saved else ""
    if not arguments.json:
        print(_told(before, changed, backup, dry=arguments.dry_run))
    return {"ok": True, "chosen": len(chosen), "changed": changed, "backup": backup, "dry_run": arguments.dry_run}


def _choice(arguments: argparse.Namespace) -> Choice:
    from ..tagging import Choice, split

    return Choice(
        every=tuple(arguments.only_with),
        some=tuple(split(arguments.only_with_any)),
        none=tuple(arguments.only_without),
        text=arguments.only_text,
        missing=arguments.only_missing,
    )


def _completed(values: Values, arguments: argparse.Namespace) -> Values:
    """An operation's values with those that flags of their own say."""
    more: dict[str, Values] = {
        "trigger": {"old": arguments.old_trigger},
        "sort": {"first": [arguments.first]},
        "replace_text": {"match_case": arguments.match_case},
        "replace_pattern": {"match_case": arguments.match_case},
    }
    return {**values, **more.get(values["do"], {})}


def _count(captions: Mapping[str, str], chosen: Sequence[str], *, quiet: bool) -> dict[str, Any]:
    from ..tagging import counted

    counts = counted(captions[name] for name in chosen)
    missing = sum(not captions[name] for name in chosen)
    if not quiet:
        lines = [f"{len(chosen)} pictures, {missing} without a caption, {len(counts)} tags:"]
        lines += [f"{one.count:6}  {one.tag}" for one in counts[:MOST_LISTED]]
        more = len(counts) - MOST_LISTED
        print("\n".join([*lines, f"        and {more} more (--json has all)"] if more > 0 else lines))
    tags = [{"tag": one.tag, "count": one.count} for one in counts]
    return {"ok": True, "pictures": len(chosen), "missing": missing, "tags": tags}


def _told(before: Mapping[str, str], changed: Mapping[str, str], backup: str, *, dry: bool) -> str:
    """What was changed, caption by caption, and how it is taken back."""
    lines: list[str] = []
    for name, text in list(changed.items())[:MOST_LISTED]:
        lines += [f"{name}", f"  - {before[name]}", f"  + {text}"]
    if len(changed) > MOST_LISTED:
        lines.append(f"and {len(changed) - MOST_LISTED} more (--json has all)")
    end = f"Captions {'that would be changed; nothing was written' if dry else 'changed'}: {len(changed)}."
    return "\n".join([*lines, end + (f" To take it back: --undo {backup}" if backup else "")])


def _undo(folder: Path, id: str, quiet: bool) -> dict[str, Any]:
    """Take back a change. Raises NotFound, DataError when captions were changed since."""
    from ..files.backup import backups, undo

    if id == LAST:
        id = next((one.id for one in backups(folder)), "")
    undo(folder, id)
    if not quiet:
        print(f"Taken back: {id}.")
    return {"ok": True, "undone": id}


def _pair(text: str) -> tuple[str, str]:
    """'OLD=NEW' taken apart; a first '=' belongs to OLD, as in the face '=_='."""
    place = text.find("=", 1)
    if place < 0:
        raise argparse.ArgumentTypeError(f"'{text}' must be like OLD=NEW")
    return text[:place].strip(), text[place + 1 :].strip()


def _merge(text: str) -> Values:
    old, new = _pair(text)
    return {"do": "merge", "tags": [old], "into": new}


def _replace(do: str, find: str) -> Callable[[str], Values]:
    def made(text: str) -> Values:
        old, new = _pair(text)
        return {"do": do, find: old, "new": new}

    return made


def _add_at(text: str) -> Values:
    at, tags = _pair(text)
    if not at.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' must be like 1=A,B")
    return {"do": "add", "tags": [tags], "at": int(at)}


def _named(do: str, name: str) -> Callable[[str], Values]:
    return lambda text: {"do": do, name: text}


_OPERATIONS: tuple[tuple[str, str, Callable[[str], Values], str], ...] = (
    ("--add", "A,B", lambda text: {"do": "add", "tags": [text]}, "put tags at the end of captions that lack them"),
    ("--add-front", "A,B", lambda text: {"do": "add", "tags": [text], "at": 0}, "the same in front"),
    ("--add-at", "N=A,B", _add_at, "the same behind the first N tags"),
    ("--remove", "A,B", lambda text: {"do": "remove", "tags": [text]}, "take tags out"),
    ("--replace", "OLD=NEW", _merge, "write a tag in place of another"),
    ("--merge", "A,B=C", _merge, "write one tag in place of several"),
    ("--sort", "frequency|alphabet|stay", _named("sort", "by"), "put tags into an order"),
    ("--trigger", "WORD", _named("trigger", "word"), "put the trigger word in front of all"),
    ("--replace-text", "OLD=NEW", _replace("replace_text", "find"), "replace a text wherever it stands"),
    ("--replace-pattern", "OLD=NEW", _replace("replace_pattern", "pattern"), "the same with a regular expression"),
    ("--front-text", "TEXT", _named("front_text", "text"), "begin every caption with a text"),
    ("--end-text", "TEXT", _named("end_text", "text"), "end every caption with a text"),
)
_PLAIN: tuple[tuple[str, Values, str], ...] = (
    ("--deduplicate", {"do": "deduplicate"}, "leave each tag only where it first comes"),
    ("--spaces", {"do": "spaces"}, "write spaces for underscores"),
)
