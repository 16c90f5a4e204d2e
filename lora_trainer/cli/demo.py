"""`demo`: a LoRA of something that the embedded base cannot draw, from its pictures to a sheet of strengths."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import options
from ..control import Control


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("demo", help="train a LoRA on the embedded base", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument("--steps", type=int, default=0, help="steps of the training (default: what the demo needs)")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Draw the pictures, train, draw the sheet, and say where everything is."""
    from ..host.standalone import StandaloneHost
    from ..pocket.lesson import NOVELTIES, lesson_values
    from ..pocket.novelty import write_examples
    from ..run_folder import RunFolder
    from ..train import train
    from .progress import show

    output: Path = arguments.output
    novelty = NOVELTIES[0]
    pictures = write_examples(novelty, output / "pictures")
    values = lesson_values(novelty, pictures, output)
    if arguments.steps:
        values = options.merged(values, {"steps": arguments.steps})
    config = options.build(values)
    host = StandaloneHost(config.base, config.memory)
    result = show(train(config, host, Control()), quiet=arguments.json)
    if not result["ok"]:
        return result
    folder = RunFolder(output, config.save.name)
    shown = {"curve": str(_curve(folder)), "grid": str(_grid(host, folder, config, novelty, arguments.json))}
    if not arguments.json:
        print(_farewell(novelty, result["path"], shown, pictures))
    return {**result, **shown}


def _curve(folder: Any) -> Path:
    from ..curves import loss_curve

    path = folder.output / "loss.png"
    loss_curve(folder.read_events(), folder.name).save(path)
    return path


def _grid(host: Any, folder: Any, config: Any, novelty: Any, quiet: bool) -> Path:
    """Saves x strengths, for the word that was learned."""
    import sys

    from tqdm import tqdm

    from ..pocket.lesson import STRENGTHS
    from ..tryout import GridRequest, draw_cells, sheet, total_cells

    request = GridRequest(
        files=[*folder.saves(), folder.lora],
        prompts=novelty.prompts(1),
        strengths=STRENGTHS,
        seeds=[1],
        options=config.samples,
    )
    cells = tqdm(draw_cells(host, request), total=total_cells(request), desc="drawing", file=sys.stderr, disable=quiet)
    path = folder.output / "grid.png"
    sheet(list(cells), request).save(path)
    return path


def _farewell(novelty: Any, lora: str, shown: dict[str, str], pictures: Path) -> str:
    return f"""
The LoRA:         {lora}
Strengths x saves {shown["grid"]}
Loss curve:       {shown["curve"]}
Its pictures:     {pictures}

Look at the sheet: at strength 0 the base does not know '{novelty.word}'; it appears as the strength grows.
Next, with your own pictures and checkpoint:
    python -m lora_trainer train --base YOUR.safetensors --data YOUR_PICTURES --name my_lora"""
