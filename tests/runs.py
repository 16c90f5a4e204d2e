"""Small runs for tests: a base of random weights, a handful of drawn pictures, options for a run of a few steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from lora_trainer import options
from lora_trainer.config import TrainConfig
from lora_trainer.control import Control
from lora_trainer.events import Event
from lora_trainer.files.read import read_tensors
from lora_trainer.host.standalone import StandaloneHost
from lora_trainer.train import train


def draw_pictures(folder: Path, count: int = 4, side: int = 64) -> Path:
    """Squares on coloured grounds, with captions in two wordings."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = Image.new("RGB", (side, side), (40 * number % 256, 90, 200))
        ImageDraw.Draw(image).rectangle((8, 8 + number, 40, 40), fill=(250, 30 * number % 256, 20))
        image.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"a zorb, number {number % 2}", encoding="utf-8")
    return folder


def values(base: Path, pictures: Path, output: Path, **more: Any) -> dict[str, Any]:
    """Options of a quick run; `more` are dotted paths with '__' for the dot."""
    quick = {
        "base.checkpoint": str(base),
        "data.folders": [str(pictures)],
        "data.resolution": 64,
        "save.name": "zorb",
        "save.output": str(output),
        "save.dtype": "fp32",
        "save.tensorboard": False,
        "network.rank": 2,
        "samples.every": 1000000,
        "samples.steps": 2,
        "validation_every": 1000000,
        "steps": 4,
    }
    return options.unflattened(quick | {key.replace("__", "."): value for key, value in more.items()})


def run(config: dict[str, Any] | TrainConfig, *, control: Control | None = None, resume: bool = False) -> list[Event]:
    """All events of a run."""
    return list(stream(config, control=control, resume=resume))


def stream(
    config: dict[str, Any] | TrainConfig, *, control: Control | None = None, resume: bool = False
) -> Iterator[Event]:
    """The events of a run as they come."""
    if isinstance(config, dict):
        config = options.build(config)
    return train(config, StandaloneHost(config.base, config.memory), control, resume=resume)


def of_kind(events: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def tensors_of(path: Path) -> dict[str, torch.Tensor]:
    return read_tensors(path)[0]


def same_weights(one: Path, other: Path) -> bool:
    """Whether two LoRA files hold the same tensors, bit by bit."""
    a, b = tensors_of(one), tensors_of(other)
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
