"""From options to the adapters that are wanted."""

from __future__ import annotations

import pytest

from lora_trainer.config import NetworkOptions
from lora_trainer.errors import ConfigError, UserError
from lora_trainer.networks.base import NETWORKS, Plan, plans
from lora_trainer.twin.lora_names import Target


def target(block: str, kind: str = "linear") -> Target:
    part = "text_encoder" if block.startswith("text") else "unet"
    return Target(part, f"{block}.{kind}", f"lora_{part}_{block}_{kind}".replace(".", "_"), kind, block)


TARGETS = [target(block) for block in ("down.0", "down.1", "mid", "up.0", "text.0")]
CONVS = [target("down.0", "conv1"), target("down.0", "conv3")]


def planned(*targets: Target, **options: object) -> dict[str, Plan]:
    return {plan.target.path: plan for plan in plans(targets or TARGETS, NetworkOptions(**options))}


def test_every_target_gets_rank_and_alpha() -> None:
    assert {(plan.rank, plan.alpha) for plan in planned(rank=8, alpha=4.0).values()} == {(8, 4.0)}


def test_only_3x3_convolutions_have_the_conv_rank() -> None:
    found = planned(*CONVS, rank=8, alpha=4.0, conv_rank=2, conv_alpha=1.0)
    assert (found["down.0.conv1"].rank, found["down.0.conv1"].alpha) == (8, 4.0)
    assert (found["down.0.conv3"].rank, found["down.0.conv3"].alpha) == (2, 1.0)


def test_stabilized_ranks_are_scaled_by_the_root_of_the_rank() -> None:
    for plan in planned(rank=16, alpha=8.0, rank_stabilized=True, block_ranks={"mid": 64}).values():
        assert plan.alpha / plan.rank == pytest.approx(8.0 / plan.rank**0.5)


def test_a_blocks_rank_overrules_a_whole_sides_and_0_leaves_it_out() -> None:
    found = planned(rank=16, alpha=8.0, block_ranks={"down": 0, "down.1": 32, "text": 4})
    assert {path: plan.rank for path, plan in found.items()} == {
        "down.1.linear": 32,
        "mid.linear": 16,
        "up.0.linear": 16,
        "text.0.linear": 4,
    }
    assert {plan.alpha / plan.rank for plan in found.values()} == {0.5}


def test_a_block_that_is_left_out_loses_its_convolutions_as_well() -> None:
    assert set(planned(*CONVS, *TARGETS, conv_rank=4, block_ranks={"down.0": 0})).isdisjoint(
        {"down.0.conv1", "down.0.conv3", "down.0.linear"}
    )


def test_a_blocks_rate_factor_is_the_one_named_most_exactly() -> None:
    found = planned(block_rates={"down": 0.5, "down.1": 0.1})
    assert [plan.rate_factor for plan in found.values()] == [0.5, 0.1, 1.0, 1.0, 1.0]


def test_all_unknown_blocks_are_named_at_once_with_the_nearest_known() -> None:
    with pytest.raises(ConfigError) as caught:
        planned(block_ranks={"dwn.1": 4}, block_rates={"up.7": 0.5})
    assert len(caught.value.problems) == 2
    assert "Did you mean 'down.1'?" in caught.value.problems[0]


def test_nothing_left_to_train_is_an_error() -> None:
    with pytest.raises(ConfigError, match="Nothing is left"):
        planned(block_ranks={"down": 0, "mid": 0, "up": 0, "text": 0})


def test_an_unknown_network_type_names_the_nearest() -> None:
    with pytest.raises(UserError, match="Did you mean 'lora'"):
        NETWORKS.get("lorra")
