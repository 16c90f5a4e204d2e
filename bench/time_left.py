"""Whether the time that a run says is left is what then follows: a real run on the embedded base, all kinds of work.

The clock counts the CPU seconds of the process: what other programs on the machine take away, nobody can foresee.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from . import report

FROM = 20
"""Steps after which the time left is to be trusted."""
EVERY = 20
"""Steps between two lines of the table."""
SIZES = ((128, 128), (192, 96), (96, 160), (128, 128), (80, 80), (160, 128))
"""Of the pictures, (width, height), so that there are buckets of several shapes and areas."""
OPTIONS: dict[str, Any] = {
    "base.checkpoint": "pocket",
    "data.resolution": 128,
    "data.bucket_least": 64,
    "data.upscale": False,
    "data.batch_size": 2,
    "data.validation_share": 0.1,
    "save.name": "time",
    "save.every": 40,
    "validation_every": 25,
    "samples.every": 60,
    "samples.steps": 10,
    "samples.width": 192,
    "samples.height": 192,
    "steps": 160,
}


def measure(work: Path, threads: int) -> str:
    """The table: seconds that were said to be left after a step, and those that followed; and the worst of all."""
    import torch

    torch.set_num_threads(threads)
    with patch("time.perf_counter", time.process_time):
        told, end, before, whole = _run(work / "time-left")
    trusted = [(step, said, end - at) for step, at, said in told if step >= FROM and end - at > 1]
    worst = max(trusted, key=lambda row: abs(row[1] / row[2] - 1))
    lines = [report.conditions(), "| step | said to be left, CPU s | followed, CPU s | ratio |", "|" + "---|" * 4]
    lines += [_row(*row) for row in trusted if row[0] % EVERY == 0]
    first = f"a tried step said {before:.1f} for the whole run, which took {whole:.1f}: {before / whole:.2f}"
    within = sum(abs(said / followed - 1) <= 0.2 for _, said, followed in trusted) / len(trusted)
    return "\n".join([*lines, first, f"worst: {_row(*worst)}", f"within 20 %: {within:.0%} of {len(trusted)} steps"])


def _row(step: int, said: float, followed: float) -> str:
    return f"| {step} | {said:.1f} | {followed:.1f} | {said / followed:.2f} |"


def _run(folder: Path) -> tuple[list[tuple[int, float, float]], float, float, float]:
    """(step, when, seconds left) of every step; when the run had ended; its seconds as foreseen, and as they were."""
    from lora_trainer import options
    from lora_trainer.estimate.duration import duration
    from lora_trainer.estimate.probe import probe
    from lora_trainer.events import Step
    from lora_trainer.host.standalone import StandaloneHost
    from lora_trainer.train import train
    from lora_trainer.training.survey import survey

    shutil.rmtree(folder, ignore_errors=True)
    values = {**OPTIONS, "data.folders": [str(_pictures(folder / "pictures"))], "save.output": str(folder)}
    config = options.build(options.unflattened(values))
    host = StandaloneHost(config.base, config.memory)
    known = survey(config, host)
    found = probe(known, host)
    before = duration(known, found).total if found else 0.0
    told, begun = [], time.process_time()
    for event in train(config, host):
        if isinstance(event, Step):
            told.append((event.step, time.process_time(), event.seconds_left))
    end = time.process_time()
    return told, end, before, end - begun


def _pictures(folder: Path) -> Path:
    from PIL import Image

    folder.mkdir(parents=True)
    for number in range(4 * len(SIZES)):
        image = Image.linear_gradient("L").convert("RGB").resize(SIZES[number % len(SIZES)])
        image.putpixel((0, 0), (number, 0, 0))  # no two are the same
        image.save(folder / f"{number:02d}.png")
        (folder / f"{number:02d}.txt").write_text(f"a grey ramp, number {number % 5}", encoding="utf-8")
    return folder
