"""From the command to the first finished step, and the peak of memory, on a base of SD1.5's full size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from . import report

PICTURES = 8


def measure(work: Path, threads: int, resolution: int) -> str:
    """CPU seconds of the whole process up to the end of step 1, and its largest resident size."""
    base = work / "random-sd1.safetensors"
    if not base.exists():
        _make_base(base)
    pictures = _draw_pictures(work / "pictures", resolution)
    lines = [
        report.conditions(),
        f"command to first step: SD1.5 layout, {PICTURES} pictures to encode, {resolution} px",
    ]
    for precision in ("fp32", "bf16"):
        cpu, peak, wall = _one_step(base, pictures, work / f"start-{precision}", precision, threads, resolution)
        lines.append(
            f"{precision:5} {cpu:6.1f} CPU s   {wall:6.1f} s   peak {peak / 2**30:5.2f} GiB ({peak / 1e9:.2f} GB)"
        )
    return "\n".join(lines)


def _one_step(
    base: Path, pictures: Path, output: Path, precision: str, threads: int, resolution: int
) -> tuple[float, int, float]:
    """CPU seconds and peak bytes up to the end of step 1, and wall seconds of the whole process."""
    command = ["train", "--base", str(base), "--data", str(pictures)]
    command += ["--name", "start", "--output", str(output), "--steps", "1"]
    for change in (f"memory.precision={precision}", f"data.resolution={resolution}", "network.rank=8"):
        command += ["--set", change]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "bench.accounted", *command], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"The run failed:\n{done.stdout}\n{done.stderr}")
    figures = json.loads(done.stdout.splitlines()[-1])
    return figures["cpu"], figures["peak"], time.perf_counter() - begin


def _make_base(path: Path) -> None:
    from lora_trainer.pocket.random_bases import random_checkpoint

    print(f"Making a base of random weights, {path} ...", flush=True)
    random_checkpoint("sd1", path, channels=320, text="real")


def _draw_pictures(folder: Path, resolution: int) -> Path:
    """Pictures of smooth colours with captions."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(0)
    for number in range(PICTURES):
        small = chance.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((resolution, resolution), Image.Resampling.BICUBIC).save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"colours, number {number}", encoding="utf-8")
    return folder
