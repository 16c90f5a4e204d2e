"""`choose`: which save of a run at which strength, from a sweep that is scored."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from . import grid
from .named import require

if TYPE_CHECKING:
    from ..config import TrainConfig
    from ..run_folder import RunFolder
    from ..tryout import GridRequest


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("choose", help="propose a save and a strength of a run", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="NAME.run", help="the folder of the run")
    parser.add_argument("--base", default="", metavar="FILE", help="checkpoint (default: that of the run)")
    parser.add_argument("--prompt", action="append", default=[], metavar="TEXT", help="(default: the samples' first)")
    parser.add_argument("--strengths", default="", metavar="0,0.5,1")
    parser.add_argument("--seeds", default="", metavar="1,2", help="more seeds tell more surely")
    parser.add_argument("--all", action="store_true", help="all saves, not the last ones and the best")
    parser.add_argument("--out", type=Path, metavar="grid.png", help="(default: in the run's folder)")
    grid.add_judging(parser)
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw, score, and keep the proposal in the run's folder. Raises UserError when the run has no saves."""
    from ..host.standalone import StandaloneHost
    from ..judging.learned import learned_pictures, pictures_in
    from ..sweep import known_of_run, score_cells, word_of
    from ..tryout import draw_cells

    folder, config = _run_of(arguments.run_folder)
    config.base.checkpoint = arguments.base or config.base.checkpoint
    out = arguments.out or folder.path / "grid.png"
    grid.require_format(out)
    request = _request(folder, config, arguments)
    require(config.base.checkpoint, config.base.vae, arguments.data)
    settings = grid.judging_of(arguments, config.memory.device)
    host = StandaloneHost(config.base, config.memory)
    cells = list(grid.kept(draw_cells(host, request), request, None, quiet=arguments.json))
    learned = pictures_in(arguments.data) if arguments.data else learned_pictures(config.data)
    known = known_of_run(folder, word_of(config))
    found = score_cells(host, request, cells, known, learned, settings)
    found.keep(folder.proposal)
    grid.write_sheet(out, cells, request, found)
    if not arguments.json:
        print(f"{grid.told(found)}\nThe pictures are on {out}")
    return {"out": str(out), "proposal_file": str(folder.proposal), **found.to_json()}


def _run_of(path: Path) -> tuple[RunFolder, TrainConfig]:
    """A run's folder and options. Raises ConfigError, UserError."""
    from .. import options
    from ..run_folder import RunFolder

    require(path)
    folder = RunFolder(path.absolute().parent, path.absolute().name.removesuffix(".run"))
    if not folder.config.exists():
        raise UserError(f"'{path}' is not the folder of a run: it has no config.yaml.")
    return folder, options.load(folder.config)


def _request(folder: RunFolder, config: TrainConfig, arguments: argparse.Namespace) -> GridRequest:
    """The usual grid, with what the command line says otherwise."""
    from ..judging.words import prompts_without
    from ..sweep import usual_grid, word_of

    usual = usual_grid(folder, config)
    if not usual.files:
        raise UserError(f"'{arguments.run_folder}' has no saves beside it: there is nothing to choose from.")
    asked: dict[str, Any] = {}
    if arguments.prompt:
        asked["prompts"] = [*arguments.prompt, *prompts_without(arguments.prompt, word_of(config))]
    if arguments.strengths:
        asked["strengths"] = grid.numbers("--strengths", arguments.strengths, float)
    if arguments.seeds:
        asked["seeds"] = grid.numbers("--seeds", arguments.seeds, int)
    if arguments.all:
        asked["files"] = [*folder.saves(), *(path for path in [folder.lora] if path.is_file())]
    return replace(usual, **asked)
