"""What a step really takes of memory beside the weights, and what was estimated before: on this machine's processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import report

CASES: tuple[tuple[str, str, int, dict[str, Any]], ...] = (
    ("sd1", "fp32", 256, {}),
    ("sd1", "fp32", 512, {}),
    ("sd1", "fp32", 512, {"memory": {"checkpointing": "largest"}}),
    ("sd1", "fp32", 512, {"memory": {"checkpointing": "all"}}),
    ("sd1", "fp32", 256, {"data": {"batch_size": 4}}),
    ("sd1", "fp32", 384, {"network": {"rank": 128, "alpha": 64.0}}),
    ("sd1", "fp32", 384, {"network": {"train_text_encoder": True, "conv_rank": 16}}),
    ("sd1", "bf16", 384, {}),
    ("sd1", "bf16", 512, {"data": {"batch_size": 2}, "memory": {"checkpointing": "all"}}),
    ("sd1", "bf16", 256, {"network": {"train_text_encoder": True}}),
    ("sdxl", "bf16", 512, {}),
    ("sdxl", "bf16", 384, {"memory": {"checkpointing": "largest"}}),
    ("sdxl", "bf16", 256, {"memory": {"checkpointing": "all"}}),
    ("sdxl", "bf16", 256, {"data": {"batch_size": 2}}),
    ("sdxl", "bf16", 256, {"network": {"rank": 64, "alpha": 32.0}}),
    ("sdxl", "fp32", 256, {"memory": {"checkpointing": "all"}}),
)
EVERY_BYTE_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""glibc keeps freed memory to use it again, up to as much as is in use; here it is to give it back at once."""


def measure(chosen: slice = slice(None)) -> str:
    """The table: estimated and measured bytes beside the weights, a process for each case."""
    lines = [
        report.conditions(),
        "| base | precision | px | options | estimated MB | measured MB | ratio |",
        "|" + "---|" * 7,
    ]
    for family, precision, side, values in CASES[chosen]:
        case = json.dumps([family, precision, side, values])
        command = [sys.executable, "-m", "bench.memory", case]
        done = subprocess.run(command, env={**os.environ, **EVERY_BYTE_BACK}, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        estimated, measured = json.loads(done.stdout.splitlines()[-1])
        shown = json.dumps(values) if values else ""
        cells = (family, precision, side, shown, f"{estimated / 1e6:.0f}", f"{measured / 1e6:.0f}")
        lines.append("| " + " | ".join(map(str, cells)) + f" | {estimated / measured:.2f} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def one_case(family: str, precision: str, side: int, values: dict[str, Any]) -> tuple[int, int]:
    """Estimated and measured bytes beside the weights for two steps on random weights."""
    import torch

    from lora_trainer import devices, options
    from lora_trainer.checkpoints.hints import Hints
    from lora_trainer.estimate.imagined import BaseShapes, ImaginedLoan
    from lora_trainer.estimate.step import one_step, step_memory
    from lora_trainer.host.base import BaseInfo
    from lora_trainer.pocket.random_bases import base_layout, original_shapes
    from lora_trainer.training.model import build_model

    torch.set_num_threads(1)
    config = options.build(values)
    dtype = devices.choose_dtype(precision, torch.device("cpu"))
    layout = base_layout(family, channels=320, text="real")
    base = BaseShapes(BaseInfo("random", family), original_shapes(layout), Hints())
    imagined = step_memory(config, base, (side, side), dtype)
    estimated = imagined.beside_weights + imagined.kernels
    loan: Any = ImaginedLoan(base, dtype, make=_touched)
    model = build_model(config, loan)
    adapters = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters)
    before = _resident() - adapters
    _forget_peak()
    for _ in range(2):
        one_step(model, config, (side, side), config.data.batch_size)
        model.move(torch.tensor(True))
    return estimated, _peak() - before


def _touched(shape: tuple[int, ...], dtype: Any) -> Any:
    """Memory that is really there: pages that nobody has written to would be counted in the step."""
    import torch

    return torch.full(shape, 0.001, dtype=dtype)


def _resident() -> int:
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _forget_peak() -> None:
    """Linux alone: let the largest resident size be counted from now on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    print(json.dumps(one_case(*json.loads(sys.argv[1]))))
