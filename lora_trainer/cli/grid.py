"""`grid`: LoRA files x strengths on one sheet."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import options
from ..errors import ConfigError
from .named import require

if TYPE_CHECKING:
    from ..tryout import Cell, GridRequest

Number = TypeVar("Number", int, float)
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""What a sheet may end in."""


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("grid", help="draw LoRAs x strengths on one sheet", description=__doc__)
    parser.add_argument("--base", required=True, metavar="FILE", help="checkpoint, diffusers folder, or 'pocket'")
    parser.add_argument("--lora", required=True, action="append", type=Path, metavar="FILE", help="(repeatable)")
    parser.add_argument("--prompt", required=True, action="append", metavar="TEXT", help="(repeatable)")
    parser.add_argument("--strengths", default="0,0.2,0.4,0.6,0.8,1", metavar="0,0.5,1")
    parser.add_argument("--seeds", default="1", metavar="1,2")
    parser.add_argument("--out", type=Path, default=Path("grid.png"), metavar="grid.png")
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder for every picture by itself")
    parser.add_argument(
        "--set", action="append", default=[], metavar="option.path=value", help="samples.*, memory.*, base.*"
    )
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..files.atomic import replacing
    from ..host.standalone import StandaloneHost
    from ..tryout import GridRequest, draw_cells, sheet

    if arguments.out.suffix.lower() not in FORMATS:
        raise ConfigError([f"--out is '{arguments.out}', but must end in {', '.join(FORMATS)}."])
    config = options.build(
        options.merged(options.parse_changes(arguments.set), {"base": {"checkpoint": arguments.base}})
    )
    request = GridRequest(
        files=arguments.lora,
        prompts=arguments.prompt,
        strengths=numbers("--strengths", arguments.strengths, float),
        seeds=numbers("--seeds", arguments.seeds, int),
        options=config.samples,
        clip_skip=config.base.clip_skip,
    )
    require(arguments.base, config.base.vae, *arguments.lora)
    host = StandaloneHost(config.base, config.memory)
    cells = list(_kept(draw_cells(host, request), request, arguments))
    with replacing(arguments.out) as file:
        sheet(cells, request).save(file, FORMATS[arguments.out.suffix.lower()])
    if not arguments.json:
        print(f"{len(cells)} pictures on {arguments.out}")
    return {"out": str(arguments.out), "cells": len(cells)}


def numbers(flag: str, text: str, kind: type[Number]) -> list[Number]:
    """'0,0.5,1' as numbers of this kind, each once. Raises ConfigError."""
    try:
        found = dict.fromkeys(kind(part) for part in text.split(",") if part.strip())
    except ValueError:
        found = {}
    if not found or not all(math.isfinite(number) for number in found):
        what, example = ("whole numbers", "1,2") if kind is int else ("numbers", "0,0.5,1")
        raise ConfigError([f"{flag} is '{text}', but must be {what} with commas between them, e.g. {example}."])
    return list(found)


def _kept(cells: Iterable[Cell], request: GridRequest, arguments: argparse.Namespace) -> Iterator[Cell]:
    """The cells as they come, each written to the folder for single pictures when one was named."""
    from tqdm import tqdm

    from ..sampling.infotext import write_png
    from ..tryout import total_cells

    for cell in tqdm(cells, total=total_cells(request), desc="drawing", file=sys.stderr, disable=arguments.json):
        if arguments.images:
            write_png(arguments.images / cell.name, cell.image, cell.infotext)
        yield cell
