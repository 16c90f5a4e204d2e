"""`python -m bench WHAT`: what steps, a start, telling and visitors cost, and what was foreseen."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from . import events, load, memory, start, step, time_left

# As the trainer's own process, which meets fewer kinds of layers: kernels are not to be made anew in every round.
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "16384")

WORK = Path("out") / "bench"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "what", nargs="?", choices=("step", "start", "memory", "time-left", "events", "load", "all"), default="all"
    )
    parser.add_argument("--rounds", type=int, default=4, help="interleaved rounds (at least 4 for figures to quote)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resolution", type=int, default=128)
    parser.add_argument("--work", type=Path, default=WORK, help="folder for the base of random weights (3.5 GB)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of a stretch of `load`")
    parser.add_argument("--batch", type=int, default=4, help="of the run of `load`")
    parser.add_argument("--in-place", action="store_true", help="the run of `load` in the server's own process")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.what in ("step", "all"):
        print(step.measure(arguments.rounds, arguments.threads, arguments.resolution))
    if arguments.what in ("start", "all"):
        print(start.measure(arguments.work, arguments.threads, arguments.resolution))
    if arguments.what in ("memory", "all"):
        print(memory.measure())
    if arguments.what in ("time-left", "all"):
        print(time_left.measure(arguments.work, arguments.threads))
    if arguments.what in ("events", "all"):
        print(events.measure(arguments.rounds))
    if arguments.what in ("load", "all"):
        extent = (arguments.rounds, arguments.seconds, arguments.resolution, arguments.batch)
        print(load.measure(arguments.work, *extent, in_place=arguments.in_place))


if __name__ == "__main__":
    main()
