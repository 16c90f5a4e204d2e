"""`grid`: LoRA files x strengths on one sheet."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import options
from ..errors import ConfigError, UserError
from .named import require

if TYPE_CHECKING:
    from ..host.base import Host
    from ..judging import Settings
    from ..judging.verdict import Verdict
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
    parser.add_argument("--score", action="store_true", help="score the pictures and propose one of them")
    add_judging(parser)
    parser.add_argument("--word", default="", metavar="WORD", help="trigger word: prompts without it must stay alike")
    parser.add_argument(
        "--set", action="append", default=[], metavar="option.path=value", help="samples.*, memory.*, base.*"
    )
    parser.set_defaults(run=run)
    return [parser]


def add_judging(parser: argparse.ArgumentParser) -> None:
    """What judges need to know."""
    parser.add_argument("--data", type=Path, metavar="DIR", help="pictures that were learned from, for likeness")
    parser.add_argument("--judge", default="", metavar="MODEL", help="an open_clip model: a file or folder")
    parser.add_argument("--architecture", default="", metavar="NAME", help="open_clip's name of that model")
    parser.add_argument("--models", type=Path, metavar="DIR", help="where models lie, as for `caption`")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..host.standalone import StandaloneHost
    from ..tryout import GridRequest, draw_cells

    require_format(arguments.out)
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
    require(arguments.base, config.base.vae, *arguments.lora, arguments.data)
    settings = judging_of(arguments, config.memory.device)
    host = StandaloneHost(config.base, config.memory)
    cells = list(kept(draw_cells(host, request), request, arguments.images, quiet=arguments.json))
    found = _score(host, request, cells, settings, arguments) if arguments.score else None
    write_sheet(arguments.out, cells, request, found)
    if not arguments.json:
        print(f"{len(cells)} pictures on {arguments.out}")
    return {"out": str(arguments.out), "cells": len(cells), **({"verdict": found.to_json()} if found else {})}


def _score(
    host: Host, request: GridRequest, cells: Sequence[Cell], settings: Settings, arguments: argparse.Namespace
) -> Verdict:
    from ..judging.learned import pictures_in
    from ..sweep import known_of_files, score_cells

    learned = pictures_in(arguments.data) if arguments.data else []
    found = score_cells(host, request, cells, known_of_files(request.files, arguments.word), learned, settings)
    if not arguments.json:
        print(told(found))
    return found


def judging_of(arguments: argparse.Namespace, device: str) -> Settings:
    """The settings of judges. Raises UserError when a model was named that cannot be used."""
    from ..host.standalone import DATA_FOLDER
    from ..judging import Settings
    from ..judging.clip import ClipJudge
    from ..vision.places import FOLDER

    folder = arguments.models or Path(DATA_FOLDER) / FOLDER
    settings = Settings(folder, arguments.judge, arguments.architecture, device)
    if arguments.judge and (lacks := ClipJudge(settings).missing()) is not None:
        raise UserError(lacks)
    return settings


def write_sheet(out: Path, cells: Sequence[Cell], request: GridRequest, found: Verdict | None) -> None:
    """All cells on one picture, with their scores where there are any. `out` ends in one of FORMATS."""
    from ..files.atomic import replacing
    from ..tryout import sheet

    scores = found.judgement.scores[: len(cells)] if found else ()
    proposal = found.proposal if found else None
    file = next((file for file in request.files if proposal and file.name == proposal.save), None)
    proposed = (file, proposal.strength) if proposal and file else None
    with replacing(out) as target:
        sheet(cells, request, scores, proposed).save(target, FORMATS[out.suffix.lower()])


def told(found: Verdict) -> str:
    """A table of the cells, what is missing, and the proposal."""
    from ..tryout import in_words

    lines = []
    for cell in found.judgement.cells:
        words = in_words(cell.score).replace("\n", "  ")
        lines += [f"{cell.save} at {cell.strength:g}:  {words}"] if words else []
    lines += [f"Note: {sentence}" for sentence in found.judgement.missing]
    lines += [f"Proposed: {found.proposal.sentence}"] if found.proposal else []
    return "\n".join(lines)


def require_format(out: Path) -> None:
    """Raise ConfigError for a picture that cannot be written."""
    if out.suffix.lower() not in FORMATS:
        raise ConfigError([f"--out is '{out}', but must end in {', '.join(FORMATS)}."])


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


def kept(cells: Iterable[Cell], request: GridRequest, folder: Path | None, *, quiet: bool) -> Iterator[Cell]:
    """The cells as they come, on a bar, each written to the folder for single pictures when one was named."""
    from tqdm import tqdm

    from ..sampling.infotext import write_png
    from ..tryout import total_cells

    for cell in tqdm(cells, total=total_cells(request), desc="drawing", file=sys.stderr, disable=quiet):
        if folder:
            write_png(folder / cell.name, cell.image, cell.infotext)
        yield cell
