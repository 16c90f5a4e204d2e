"""The memory of a step that is only imagined."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lora_trainer import options
from lora_trainer.checkpoints.hints import Hints
from lora_trainer.estimate.imagined import BaseShapes, ImaginedLoan
from lora_trainer.estimate.live import LiveBytes
from lora_trainer.estimate.step import StepMemory, one_step, step_memory
from lora_trainer.host.base import BaseInfo
from lora_trainer.pocket.random_bases import base_layout, original_shapes
from lora_trainer.training.model import build_model

SIDE = (128, 128)


def base(family: str) -> BaseShapes:
    layout = base_layout(family)
    return BaseShapes(BaseInfo("tiny", family), original_shapes(layout), Hints(heads=layout.heads or None))


def imagined(family: str = "sd1", size: tuple[int, int] = SIDE, **values: Any) -> StepMemory:
    return step_memory(options.build(values), base(family), size, torch.float32)


@pytest.mark.parametrize(
    "family, values",
    [
        ("sd1", {"network": {"conv_rank": 4}}),
        ("sd1", {"network": {"type": "dora", "conv_rank": 4}}),
        ("sd1", {"network": {"type": "lokr", "conv_rank": 4}}),
        ("sd1", {"network": {"type": "loha", "conv_rank": 4}}),
        ("sdxl", {"network": {"train_text_encoder": True}}),
    ],
)
def test_it_counts_what_a_real_step_keeps_alive(family: str, values: dict[str, Any]) -> None:
    config = options.build(values)
    loan: Any = ImaginedLoan(
        base(family), torch.float32, make=lambda shape, dtype: torch.full(shape, 0.01, dtype=dtype)
    )
    model = build_model(config, loan)
    known = [*model.unet.parameters(), *model.unet.buffers()]
    known += [tensor for encoder in model.text_encoders for tensor in (*encoder.parameters(), *encoder.buffers())]
    with LiveBytes(known) as live:
        one_step(model, config, SIDE, 1)

    assert imagined(family, **values).activations == pytest.approx(live.most, rel=0.02)


def test_every_way_of_saving_memory_saves_some() -> None:
    off, largest, every = (imagined(memory={"checkpointing": mode}) for mode in ("off", "largest", "all"))
    assert off.activations > largest.activations > every.activations
    assert imagined(data={"batch_size": 2}).activations > 1.5 * off.activations
    assert imagined(size=(64, 128)).activations < 0.7 * off.activations


def test_adapters_and_the_optimizer_s_memory_are_told_apart_from_the_weights() -> None:
    small, large = imagined(network={"rank": 4}), imagined(network={"rank": 8})
    assert large.trained == 2 * small.trained and large.weights == small.weights
    assert imagined(optimizer={"name": "prodigy"}).trained > imagined(optimizer={"name": "lion"}).trained
