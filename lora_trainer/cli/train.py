"""`train`: a whole run, with a progress bar."""

from __future__ import annotations

import argparse
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..control import Control
from ..errors import ConfigError
from . import notify, presets
from .server import add_server, address_of

if TYPE_CHECKING:
    from ..config import TrainConfig
    from ..host.base import BaseInfo


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("train", help="train a LoRA", description=__doc__)
    add_run_options(parser)
    parser.add_argument("--resume", action="store_true", help="go on where this run was stopped")
    parser.add_argument("--notify", action="store_true", help="tell of its end through the channels of `notify`")
    notify.add_data(parser, "--notify-data")
    add_server(parser)
    parser.add_argument("--dataset", metavar="NAME", default="", help="with --server: a data set that it has")
    parser.add_argument("--replace", action="store_true", help="with --server: a LoRA of that name may be there")
    parser.set_defaults(run=run)
    return [parser]


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What says which run is meant; `given_values` reads it."""
    parser.add_argument(
        "file", nargs="?", metavar="CONFIG.yaml", type=Path, help="options; flat lora-scripts files too"
    )
    parser.add_argument("--config", dest="file_option", metavar="FILE", type=Path, help="the same as CONFIG.yaml")
    parser.add_argument(
        "--preset", metavar="NAME", default="", help="start from this preset; file and flags win over it"
    )
    presets.add_folder(parser)
    parser.add_argument("--base", metavar="FILE", help="checkpoint, diffusers folder, or 'pocket'")
    parser.add_argument("--data", metavar="DIR", action="append", default=[], help="folder of pictures (repeatable)")
    parser.add_argument("--name", help="name of the LoRA")
    parser.add_argument("--output", metavar="DIR", help="folder for the LoRA and its run")
    parser.add_argument("--steps", metavar="N", help="steps of the whole training")
    parser.add_argument(
        "--set", metavar="option.path=value", action="append", default=[], help="any option (repeatable)"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train, and say how it ended. Raises ConfigError for wrong options."""
    from ..checks import checked
    from ..training.survey import resumed_config

    values = given_values(arguments)
    if address_of(arguments):
        from .remote import train as train_there

        return train_there(arguments, values)
    config = (resumed_config if arguments.resume else checked)(values, _describe)
    with notify.told(arguments, config.save.name) as told:
        told |= _train(config, arguments)
    return told


def _train(config: TrainConfig, arguments: argparse.Namespace) -> dict[str, Any]:
    """How the run ended."""
    from ..host.standalone import StandaloneHost
    from ..train import train
    from .progress import show

    control = Control()
    with _interrupt_stops(control):
        host = StandaloneHost(config.base, config.memory)
        try:
            result = show(train(config, host, control, resume=arguments.resume), quiet=arguments.json)
        except KeyboardInterrupt:
            return {"ok": False, "error": f"Interrupted. {_how_to_go_on(config, 'from the last state')}"}
    if result.get("paused"):
        return {**result, "error": f"{result['error']}\n{_how_to_go_on(config, 'from the last state')}"}
    return _not_a_success(result, config) if result.get("stopped") and result["ok"] else result


def _not_a_success(result: dict[str, Any], config: TrainConfig) -> dict[str, Any]:
    """Of a run that was stopped: its last save is a file as good as any, but not what was asked for."""
    where = f"Stopped after step {result['step']} of {result['total_steps']}; what is learned so far: {result['path']}"
    return {**result, "ok": False, "error": f"{where}\n{_how_to_go_on(config, 'from there')}"}


def _how_to_go_on(config: TrainConfig, where: str) -> str:
    save = config.save
    output = "" if save.output == type(save)().output else f" --output {_quoted(save.output)}"
    return f"`train --resume --name {_quoted(save.name)}{output}` goes on {where}."


def _quoted(word: str) -> str:
    """In quotes that every system's shell knows, where it needs any."""
    return f'"{word}"' if re.search(r"[^\w./\\:~-]", word) else word


def _describe(config: TrainConfig) -> BaseInfo:
    """What the header of the base tells that the options name."""
    from ..host.standalone import StandaloneHost

    return StandaloneHost(config.base, config.memory).describe()


def given_values(arguments: argparse.Namespace) -> dict[str, Any]:
    """The nested values of the preset, the configuration file and the flags, each of which wins over those before."""
    if arguments.file and arguments.file_option:
        raise ConfigError(["Name the configuration file once: as CONFIG.yaml or with --config."])
    file = arguments.file or arguments.file_option
    values = dict(presets.find(arguments.preset, arguments.presets).values) if arguments.preset else {}
    values = options.merged(values, options.read_yaml(file) if file else {})
    flags = {
        "base.checkpoint": arguments.base,
        "data.folders": arguments.data and [*arguments.data, *_priors(values)],
        "save.name": arguments.name,
        "save.output": arguments.output,
        "steps": arguments.steps,
    }
    values = options.merged(values, options.unflattened({key: value for key, value in flags.items() if value}))
    values = options.merged(values, options.parse_changes(arguments.set))
    return options.merged(_name_from_data(values), values)


def _priors(values: dict[str, Any]) -> list[Any]:
    """The regularization folders of a file: --data names other pictures to learn, not another class."""
    folders = values.get("data", {}).get("folders") or []
    folders = folders if isinstance(folders, list) else []
    return [folder for folder in folders if isinstance(folder, dict) and folder.get("regularization")]


def _name_from_data(values: dict[str, Any]) -> dict[str, Any]:
    """lora-scripts files name no LoRA: then it is called like the folder of pictures, without kohya's '10_'."""
    folders = values.get("data", {}).get("folders") or [""]
    first = folders[0] if isinstance(folders, list) else folders
    path = first.get("path", "") if isinstance(first, dict) else str(first)
    name = Path(path).resolve().name if path else ""
    repeats, _, rest = name.partition("_")
    return {"save": {"name": rest if repeats.isdigit() and rest else name}}


@contextmanager
def _interrupt_stops(control: Control) -> Iterator[None]:
    """Ctrl+C stops the run at the next step and saves; a second one stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> None:
        print("\nStopping after this step; the work so far is saved. Press again to stop at once.", file=sys.stderr)
        control.stop_and_save()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
