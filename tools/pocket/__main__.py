"""Makes the embedded base: python -m tools.pocket vae|diffusion|decoder|evaluate|export|learn [--work DIR]."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lora_trainer.packages import mend_imports


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.pocket", description=__doc__)
    parser.add_argument("command", choices=("vae", "diffusion", "decoder", "evaluate", "export", "learn"))
    parser.add_argument("--work", type=Path, default=Path("out/pocket"), help="folder of checkpoints and logs")
    parser.add_argument("--steps", type=int, help="train to this step instead of the default")
    parser.add_argument("--share", type=float, default=1.0, help="evaluate: measure this share of the prompts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="diffusion: number of processes that share the batches")
    parser.add_argument("--rank", type=int, default=0, help="diffusion: which of them this one is, from 0")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    mend_imports()
    arguments.work.mkdir(parents=True, exist_ok=True)
    overrides = {} if arguments.steps is None else {"steps": arguments.steps}
    if arguments.command == "vae":
        from tools.pocket.vae import VaeTraining, train_vae

        train_vae(arguments.work, VaeTraining(**overrides))
    elif arguments.command == "diffusion":
        from tools.pocket.diffusion import DiffusionTraining, train_diffusion
        from tools.pocket.workers import Workers

        workers = Workers(arguments.rank, arguments.workers)
        train_diffusion(arguments.work, DiffusionTraining(**overrides), workers)
    elif arguments.command == "decoder":
        from tools.pocket.vae import VaeTraining, refine_decoder

        refine_decoder(arguments.work, VaeTraining())
    elif arguments.command == "evaluate":
        from tools.pocket.evaluate import evaluate

        evaluate(arguments.work, arguments.share)
    elif arguments.command == "learn":
        from tools.pocket.learn import learn

        learn(arguments.work)
    else:
        from tools.pocket.export import export

        print(export(arguments.work))


if __name__ == "__main__":
    main()
