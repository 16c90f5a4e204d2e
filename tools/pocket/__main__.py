"""Makes the embedded base: python -m tools.pocket vae|diffusion|evaluate|export [--work DIR]."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.pocket", description=__doc__)
    parser.add_argument("command", choices=("vae", "diffusion", "evaluate", "export"))
    parser.add_argument("--work", type=Path, default=Path("out/pocket"), help="folder of checkpoints and logs")
    parser.add_argument("--steps", type=int, help="train to this step instead of the default")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.work.mkdir(parents=True, exist_ok=True)
    overrides = {} if arguments.steps is None else {"steps": arguments.steps}
    if arguments.command == "vae":
        from tools.pocket.vae import VaeTraining, train_vae

        train_vae(arguments.work, VaeTraining(**overrides))


if __name__ == "__main__":
    main()
