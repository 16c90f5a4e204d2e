"""Gentler settings, the least change first."""

from __future__ import annotations

from typing import Any

from lora_trainer import options
from lora_trainer.config import TrainConfig
from lora_trainer.estimate.milder import milder
from lora_trainer.estimate.need import Need
from lora_trainer.estimate.step import StepMemory

GB = 2**30
SHARES = {"off": 1.0, "largest": 0.5, "all": 0.2}


class Plain:
    """By its answers, trained text encoders take 2 GB, a rank 10 MB, and pixels what checkpointing leaves."""

    def __init__(self, config: TrainConfig, total: float) -> None:
        self.network, self.total = config.network, int(total * GB)

    def need(self, size: tuple[int, int], count: int, checkpointing: str) -> Need:
        weights = 2 * GB + self.network.train_text_encoder * 2 * GB
        activations = int(4000 * SHARES[checkpointing] * size[0] * size[1] * count)
        ranks = self.network.rank + self.network.conv_rank
        return Need(StepMemory(weights, ranks * 10_000_000, activations), 0, self.total, "a card")


CONFIG = {
    "data": {"resolution": 512, "batch_size": 4},
    "network": {"rank": 32, "alpha": 16.0, "conv_rank": 8, "conv_alpha": 4.0, "train_text_encoder": True},
}


def changes(total: float, kept: tuple[str, ...] = ()) -> dict[str, Any] | None:
    """What is changed for a card of `total` GB; None where nothing fits."""
    config = options.build(CONFIG)
    found: Any = milder(lambda one: Plain(one, total), config, (512, 512), kept)  # type: ignore[arg-type, return-value]
    if found is None:
        return None
    before, after = options.to_values(config), options.to_values(found)
    paths = options.differences(config, found)
    assert all(options.value_at(before, path) != options.value_at(after, path) for path in paths)
    return {path: options.value_at(after, path) for path in paths}


def test_the_gentlest_change_comes_first() -> None:
    assert changes(7.0) == {"memory.checkpointing": "largest"}
    assert changes(5.2) == {"memory.checkpointing": "all", "data.batch_size": 2, "optimizer.accumulation": 2}


def test_text_encoders_are_left_alone_before_the_pictures_become_smaller() -> None:
    found = changes(3.2)
    assert found is not None and found["network.train_text_encoder"] is False
    assert "network.rank" not in found and "data.resolution" not in found


def test_ranks_shrink_with_their_alphas() -> None:
    found = changes(2.6)
    assert found is not None and (found["network.rank"], found["network.alpha"]) == (16, 8.0)
    assert (found["network.conv_rank"], found["network.conv_alpha"]) == (4, 2.0)


def test_what_was_chosen_stays_and_may_leave_nothing_that_fits() -> None:
    found = changes(5.9, kept=("memory.checkpointing",))
    assert found == {"data.batch_size": 1, "optimizer.accumulation": 4}
    assert changes(3.2, kept=("network.train_text_encoder",)) is None


def test_no_more_models_are_imagined_than_it_takes_to_know_that_nothing_fits() -> None:
    networks: list[Any] = []

    def estimator_of(config: TrainConfig) -> Any:
        networks.append(config.network)
        return Plain(config, 0.5)

    config = options.build(CONFIG)
    assert milder(estimator_of, config, (512, 512)) is None
    assert sum(network != config.network for network in networks) == 1
