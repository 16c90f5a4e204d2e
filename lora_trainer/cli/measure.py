"""`bench`: speed and memory of a training step, measured beside the floor that no trainer can go below."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import ConfigError, UserError

ROOT = Path(__file__).resolve().parent.parent.parent
WRONG_WORDS = 2
"""The exit code of argparse."""


def add(subparsers: Any) -> list[argparse.ArgumentParser]:
    parser = subparsers.add_parser("bench", help="measure speed and memory on this machine", description=__doc__)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="arguments for the benchmark; -h lists them")
    parser.set_defaults(run=run)
    return [parser]


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run bench/ as a process of its own, since it counts the CPU time of a whole process."""
    if not (ROOT / "bench").is_dir():
        raise UserError(f"The folder {ROOT / 'bench'} is missing: take the project's whole folder.")
    words = [word for word in arguments.rest if word != "--json"]
    done = subprocess.run([sys.executable, "-m", "bench", *words], cwd=ROOT)
    if done.returncode == WRONG_WORDS:
        raise ConfigError([f"The benchmark does not know '{' '.join(words)}'. `bench -h` lists what it does."])
    return {"ok": done.returncode == 0}
