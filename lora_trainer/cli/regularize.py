"""`regularize`: pictures of a class, drawn by the base itself, which keep a training from changing all of the class."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import options
from ..errors import ConfigError
from .named import require

if TYPE_CHECKING:
    from ..config import TrainConfig
    from ..data.records import Picture
    from ..host.base import Host
    from ..regularization import Order


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("regularize", help="draw regularization pictures", description=__doc__)
    parser.add_argument("--base", required=True, metavar="FILE", help="checkpoint, diffusers folder, or 'pocket'")
    parser.add_argument("--prompt", required=True, action="append", metavar="TEXT", help="the class (repeatable)")
    parser.add_argument("--negative", default="", metavar="TEXT", help="what the pictures should not show")
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="folder; what is there is kept and counted"
    )
    parser.add_argument(
        "--count", type=int, default=0, metavar="N", help="pictures in all (default: as --data suggests)"
    )
    parser.add_argument(
        "--data", metavar="DIR", action="append", default=[], help="the run's pictures: count and sizes"
    )
    parser.add_argument("--size", metavar="WxH", help="one size in place of those of --data")
    parser.add_argument("--seed", type=int, default=-1, metavar="N", help="of the first picture (default: any)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="option.path=value", help="samples.*, memory.*, base.*, data.*"
    )
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw what is missing. Raises ConfigError for wrong values, DataError for pictures that cannot be used."""
    from dataclasses import replace

    from ..host.standalone import StandaloneHost
    from ..regularization import Order, usual_count, usual_sizes

    changes = options.parse_changes(arguments.set)
    named = {"base": {"checkpoint": arguments.base}, "data": {"folders": arguments.data}}
    config = options.build(options.merged(changes, named))
    require(arguments.base, config.base.vae, *arguments.data)
    if not (arguments.count or arguments.data):
        raise ConfigError(["Say how many with --count, or name the run's pictures with --data."])
    host = StandaloneHost(config.base, config.memory)
    pictures = _pictures(config, host) if arguments.data else ()
    sizes = {_size(arguments.size): 1} if arguments.size else usual_sizes(pictures) or _square(config)
    count = arguments.count or usual_count(pictures)
    order = replace(Order.of(config, arguments.prompt, count, arguments.negative, sizes), seed=arguments.seed)
    order.check(config.data.trigger_word)
    return _draw(host, order, arguments.out, quiet=arguments.json)


def _pictures(config: TrainConfig, host: Host) -> tuple[Picture, ...]:
    from ..data.scan import scan
    from ..resolve import with_resolution

    return scan(with_resolution(config, host.describe()).data).pictures


def _square(config: TrainConfig) -> dict[tuple[int, int], int]:
    """Of the resolution that was asked for; the base's own needs no word."""
    side = config.data.resolution
    return {(side, side): 1} if side else {}


def _size(text: str) -> tuple[int, int]:
    """'512x768' (width x height) as (height, width). Raises ConfigError."""
    match = re.fullmatch(r"(\d{2,4})[xX](\d{2,4})", text.strip())
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if width % 8 or height % 8 or not (64 <= width <= 4096 and 64 <= height <= 4096):
        raise ConfigError([f"--size is '{text}', but must be WxH in multiples of 8 from 64 to 4096, e.g. 512x768."])
    return height, width


def _draw(host: Host, order: Order, folder: Path, *, quiet: bool) -> dict[str, Any]:
    """Follow the events on a bar on stderr, and give the end as plain values."""
    from tqdm import tqdm

    from ..events import Preparing
    from ..regularization import ClassDrawn, ClassPictures, draw_class

    result: dict[str, Any] = {"ok": False, "out": str(folder)}
    with tqdm(desc="drawing", file=sys.stderr, disable=quiet) as bar:
        try:
            for event in draw_class(host, order, folder):
                if isinstance(event, (Preparing, ClassDrawn)):
                    bar.total = event.total
                    bar.update(event.done - bar.n)
                elif isinstance(event, ClassPictures):
                    result |= {"ok": True, "drawn": event.drawn, "kept": event.kept}
        except KeyboardInterrupt:
            return {**result, "error": "Interrupted. What is drawn stays; the same command goes on behind it."}
    if not quiet:
        print(f"{result['drawn']} pictures drawn, {result['kept']} were there already, in {folder}.")
        print(f"For a training: --set 'data.folders=[{{path: MY_PICTURES}}, {{path: {folder}, regularization: true}}]'")
    return result
