from __future__ import annotations

import numpy as np
import pytest
import torch

from lora_trainer.errors import UserError
from lora_trainer.lowrank import RankRule, padded, spectrum_of_matrix, spectrum_of_product

from .files.samples import conv, linear, tucker


def matrices(rows: int, rank: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(rows, rank, generator=generator, dtype=torch.float64)
    return left, torch.randn(rank, columns, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("rank", [1, 5, 12, 30], ids=["one", "small", "as many as rows", "more than rows"])
def test_the_spectrum_of_a_product_is_that_of_the_matrix(rank: int) -> None:
    left, right = matrices(12, rank, 20)
    spectrum = spectrum_of_product(left, right)
    expected = np.linalg.svd((left @ right).numpy(), compute_uv=False)[: len(spectrum.values)]
    np.testing.assert_allclose(spectrum.values.numpy(), expected, atol=1e-10)
    rebuilt = spectrum.left @ torch.diag(spectrum.values) @ spectrum.right
    torch.testing.assert_close(rebuilt, left @ right, rtol=1e-10, atol=1e-10)


def test_the_kept_share_is_that_of_the_frobenius_norm() -> None:
    left, right = matrices(12, 5, 20)
    spectrum = spectrum_of_matrix(left @ right)
    cut = spectrum.left[:, :2] @ torch.diag(spectrum.values[:2]) @ spectrum.right[:2]
    assert spectrum.kept(2) == pytest.approx(float(cut.norm() / (left @ right).norm()), rel=1e-12)
    assert spectrum.kept(5) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        (RankRule(rank=2), 2),
        (RankRule(rank=9), 4),
        (RankRule(keep="energy", amount=0.75), 2),  # squares 16, 9, 4, 1: 25 of 30 with two
        (RankRule(keep="energy", amount=25 / 30), 2),
        (RankRule(keep="energy", amount=0.84), 3),
        (RankRule(keep="frobenius", amount=0.84), 2),  # 0.84 squared is 0.7056 of the squares
        (RankRule(keep="cumulative", amount=0.7), 2),  # 7 of 10
        (RankRule(keep="cumulative", amount=0.71), 3),
        (RankRule(keep="ratio", amount=2), 3),  # down to 4 / 2
        (RankRule(keep="ratio", amount=1), 1),
        (RankRule(keep="energy", amount=1.0), 4),
        (RankRule(rank=1, keep="energy", amount=0.99), 1),
    ],
)
def test_a_rule_keeps_what_it_says(rule: RankRule, count: int) -> None:
    rule.check()
    assert rule.choose(torch.tensor([4.0, 3.0, 2.0, 1.0], dtype=torch.float64)) == count


def test_of_nothing_one_rank_is_kept() -> None:
    assert RankRule(keep="energy", amount=0.9).choose(torch.zeros(3)) == 1
    assert RankRule(keep="ratio", amount=5).choose(torch.zeros(3)) == 1


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (RankRule(), "Give a rank"),
        (RankRule(rank=0), "at least 1, not 0"),
        (RankRule(keep="energy", amount=95), "at most 1, not 95"),
        (RankRule(keep="ratio", amount=0.5), "below 1"),
    ],
)
def test_an_impossible_rule_is_a_sentence(rule: RankRule, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        rule.check()


@pytest.mark.parametrize("module", [linear(rank=4), conv(rank=4), tucker(rank=4)], ids=["linear", "conv", "tucker"])
def test_padding_changes_the_rank_alone(module) -> None:  # type: ignore[no-untyped-def]
    grown = padded(module, 7)
    assert grown.rank == 7
    assert grown.scale == pytest.approx(module.scale)
    torch.testing.assert_close(grown.delta(), module.delta(), rtol=1e-5, atol=1e-6)
