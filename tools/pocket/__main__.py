"""Makes the embedded base: python -m tools.pocket vae|diffusion|evaluate|export [--work DIR].

`vae`, then `diffusion`, then `export`; each goes on where it was stopped. `evaluate` measures what is there so far.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import torch

from lora_trainer.packages import mend_imports
from tools.pocket.workers import Workers

# glibc gives large tensors back to the system at each step and fetches them anew: training took up to three times as
# long. It reads these variables once, when a process starts.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "1000000000"}


def main() -> None:
    if sys.platform == "linux" and not KEEP_MEMORY.keys() <= os.environ.keys():
        os.execve(sys.executable, [sys.executable, "-m", "tools.pocket", *sys.argv[1:]], {**os.environ, **KEEP_MEMORY})
    parser = argparse.ArgumentParser(prog="python -m tools.pocket", description=__doc__)
    parser.add_argument("command", choices=("vae", "diffusion", "evaluate", "export"))
    parser.add_argument("--work", type=Path, default=Path("out/pocket"), help="folder of checkpoints and logs")
    parser.add_argument("--steps", type=int, help="train to this step instead of the default")
    parser.add_argument("--share", type=float, default=1.0, help="evaluate: measure this share of the prompts")
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--workers", type=int, default=2, help="number of processes that share a training's batches")
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)  # which of them this one is
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    mend_imports()
    arguments.work.mkdir(parents=True, exist_ok=True)
    workers = Workers(arguments.rank, arguments.workers)
    overrides = {} if arguments.steps is None else {"steps": arguments.steps}
    if arguments.command == "vae":
        from tools.pocket.vae import VaeTraining, train_vae

        train_vae(arguments.work, VaeTraining(**overrides), workers)
    elif arguments.command == "diffusion":
        from tools.pocket.diffusion import DiffusionTraining, train_diffusion

        train_diffusion(arguments.work, DiffusionTraining(**overrides), workers)
    elif arguments.command == "evaluate":
        from tools.pocket.evaluate import evaluate

        evaluate(arguments.work, arguments.share)
    else:
        from tools.pocket.export import export

        print(export(arguments.work))


if __name__ == "__main__":
    main()
