"""`caption` and `auto_label`: captions for a folder of pictures, made by models that lie on this machine."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, UserError
from ..registry import suggest

if TYPE_CHECKING:
    from ..captioning import Captioner, Settings
    from ..captioning.folder import Task


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    caption = subparsers.add_parser("caption", help="caption a folder of pictures", description=__doc__)
    caption.add_argument("folder", type=Path, metavar="DIR", help="pictures, also in folders below")
    caption.add_argument("--format", default="txt", metavar="txt|csv|both", help=".txt files, metadata.csv, or both")
    label = subparsers.add_parser(
        "auto_label", help="the same with one table, as lora-scripts has it", description=__doc__
    )
    label.add_argument("--input", dest="folder", type=Path, required=True, metavar="DIR", help="pictures")
    label.add_argument("--output", type=Path, required=True, metavar="FILE.csv", help="the table (file, prompt)")
    for parser in (caption, label):
        _add_common(parser)
    return [caption, label]


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--with", dest="captioner", default="", metavar="NAME", help="clip, wd14 or transformers")
    parser.add_argument("--model", default="", metavar="PATH", help="its model: a file or folder")
    parser.add_argument("--architecture", default="", metavar="NAME", help="open_clip's name of a model for clip")
    parser.add_argument("--models", type=Path, metavar="DIR", help="where models and vocabularies lie")
    parser.add_argument("--mode", default="keep", metavar="keep|replace|append|prepend", help="captions there already")
    parser.add_argument("--trigger", default="", metavar="WORD", help="put in front of every new caption")
    parser.add_argument("--threshold", type=_number, metavar="0.35", help="tags that are less sure are left out")
    parser.add_argument("--character-threshold", type=_number, metavar="0.85", help="the same for characters (wd14)")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="tags at most (clip: of each vocabulary)")
    parser.add_argument("--prompt", default="", metavar="TEXT", help="how sentences begin (transformers)")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="pictures at a time")
    parser.add_argument("--device", default="auto", metavar="NAME")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Caption, and say what became of every picture. Raises ConfigError for wrong values, UserError for what lacks."""
    from ..captioning import Settings
    from ..captioning.folder import Task
    from ..captioning.places import FOLDER
    from ..host.standalone import DATA_FOLDER

    table = getattr(arguments, "output", None)
    if table is not None and table.suffix.lower() != ".csv":
        raise ConfigError([f"--output is '{table}', but must end in .csv."])
    settings = Settings(
        arguments.models or Path(DATA_FOLDER) / FOLDER,
        model=arguments.model,
        architecture=arguments.architecture,
        threshold=arguments.threshold,
        character_threshold=arguments.character_threshold,
        most=arguments.most,
        prompt=arguments.prompt,
        device=arguments.device,
    )
    settings.check()
    form = "csv" if table is not None else arguments.format
    task = Task(arguments.folder, arguments.mode, form, arguments.trigger, arguments.batch, table)
    task.check()
    return _caption(task, _captioner(arguments.captioner, settings), quiet=arguments.json)


def _captioner(name: str, settings: Settings) -> Captioner:
    """The one that was asked for, or the first that lacks nothing. Raises ConfigError, UserError."""
    from ..captioning import CAPTIONERS

    if name:
        if name not in CAPTIONERS:
            raise ConfigError([f"There is no captioner '{name}'. {suggest(name, CAPTIONERS.names())}"])
        return CAPTIONERS.get(name)(settings)
    if settings.model:
        raise ConfigError(["--model needs --with, which says what to use it with: clip, wd14 or transformers."])
    made = [CAPTIONERS.get(name)(settings) for name in CAPTIONERS.names()]
    lacks = {one.name: one.missing() for one in made}
    ready = next((one for one in made if lacks[one.name] is None), None)
    if ready is None:
        lines = [f"- {name}: {sentence}" for name, sentence in lacks.items()]
        raise UserError("\n".join(["Nothing to caption with is there yet. One of these is needed:", *lines]))
    return ready


def _caption(task: Task, captioner: Captioner, *, quiet: bool) -> dict[str, Any]:
    """Follow the events on a bar on stderr, and give the end as plain values."""
    from tqdm import tqdm

    from ..captioning.events import Captioned, Described, LeftOut
    from ..captioning.folder import describe
    from ..events import Warned

    left_out: list[dict[str, str]] = []
    result: dict[str, Any] = {"ok": False, "captioner": captioner.name, "left_out": left_out}
    with tqdm(desc="captioning", file=sys.stderr, disable=quiet) as bar:
        try:
            for event in describe(task, captioner):
                if isinstance(event, (Captioned, LeftOut)):
                    bar.total = event.total
                    bar.update(event.done - bar.n)
                if isinstance(event, LeftOut):
                    left_out.append({"name": event.name, "reason": str(event.reason)})
                    bar.write(f"Left out: {event.name} {event.reason}", file=sys.stderr)
                elif isinstance(event, Warned):
                    bar.write(f"Note: {event.message}", file=sys.stderr)
                elif isinstance(event, Described):
                    result |= _end(event)
        except KeyboardInterrupt:
            return {**result, "error": "Interrupted. What is done stays; the same command goes on behind it."}
    if not quiet:
        print(
            f"{result['written'] + result['before']} captions with {captioner.name}, {result['kept']} kept, "
            f"{len(left_out)} pictures left out."
        )
    return result


def _end(event: Any) -> dict[str, Any]:
    """The end of a run. It failed when there was something to do and none of it could be done."""
    worked = event.written + event.before + event.kept > 0 or event.left_out == 0
    error = {} if worked else {"error": "None of the pictures could be captioned; each is named above with its reason."}
    numbers = {name: getattr(event, name) for name in ("written", "before", "kept", "stopped", "table")}
    return {"ok": worked, **numbers, **error}


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"'{text}' must be a number")
    return number
