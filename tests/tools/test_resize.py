from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.lowrank import RankRule
from lora_trainer.tools.resize import resize_lora, resize_module

from ..files.samples import QUERY, conv, linear, tucker

KINDS: dict[str, Callable[..., LoraModule]] = {"linear": linear, "conv": conv, "tucker": tucker}


def best(module: LoraModule, rank: int) -> torch.Tensor:
    """The best approximation by the definition: SVD of the whole matrix in float64 (Eckart and Young)."""
    left, values, right = torch.linalg.svd(module.delta(torch.float64).flatten(1), full_matrices=False)
    return ((left[:, :rank] * values[:rank]) @ right[:rank]).reshape(module.weight_shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [3.0, -3.0])
def test_a_lower_rank_is_the_best_approximation(kind: str, alpha: float) -> None:
    module = KINDS[kind](rank=5, alpha=alpha)
    resized, kept = resize_module(module, RankRule(rank=2))
    expected = best(module, 2)
    torch.testing.assert_close(resized.delta(torch.float64), expected, rtol=1e-5, atol=1e-6)
    assert kept == pytest.approx(float(expected.norm() / module.delta(torch.float64).norm()), rel=1e-6)
    assert resized.rank == 2
    assert resized.scale == pytest.approx(module.scale)


def test_kept_energy_gives_every_module_the_rank_that_it_needs(tmp_path: Path) -> None:
    flat = linear(1, rank=4)
    steep = LoraModule(flat.down.clone(), flat.up * torch.tensor([1.0, 1e-3, 1e-3, 1e-3]), 2.0)
    names = {QUERY: flat, "lora_unet_steep": steep}
    source = write_lora(tmp_path / "a.safetensors", names, {}, "fp32").path
    result = resize_lora(source, tmp_path / "b.safetensors", rule=RankRule(keep="energy", amount=0.999))
    modules = read_lora(result.path).modules
    assert (modules[QUERY].rank, modules["lora_unet_steep"].rank) == (4, 1)
    assert result.ranks_before == {4: 2}
    assert result.ranks == {4: 1, 1: 1}
    for name, module in names.items():
        share = float(modules[name].delta().norm() / module.delta().norm())
        assert share**2 >= 0.999
    assert result.least_kept**2 >= 0.999


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_rank_changes_nothing(kind: str) -> None:
    module = KINDS[kind](rank=3)
    resized, kept = resize_module(module, RankRule(rank=6))
    assert (resized.rank, kept) == (6, 1.0)
    torch.testing.assert_close(resized.delta(), module.delta(), rtol=1e-5, atol=1e-6)


def test_no_rank_above_the_weights_own_is_made() -> None:
    assert resize_module(linear(rank=4, outputs=10), RankRule(rank=64))[0].rank == 10


def test_a_module_without_effect_stays_one() -> None:
    module = linear()
    module.up.zero_()
    resized, kept = resize_module(module, RankRule(rank=1))
    assert kept == 1.0
    assert not resized.delta().any()


def test_the_file_says_what_was_done(tmp_path: Path) -> None:
    metadata = {"ss_training_comment": "mine", "ss_network_dim": "4", "ss_base_model_version": "sd_v1"}
    source = write_lora(tmp_path / "a.safetensors", {QUERY: linear(rank=4, alpha=2)}, metadata, "bf16").path
    resize_lora(source, tmp_path / "b.safetensors", rule=RankRule(rank=2))
    file = read_lora(tmp_path / "b.safetensors")
    assert file.metadata["ss_network_dim"] == "2"
    assert file.metadata["ss_network_alpha"] == "1.0"
    assert file.metadata["ss_training_comment"] == "resized from rank 4; mine"
    assert file.metadata["ss_base_model_version"] == "sd_v1"
    assert file.dtype == torch.bfloat16


def test_a_source_can_be_its_own_target(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "a.safetensors", {QUERY: linear(rank=4)}, {}).path
    resize_lora(path, path, rule=RankRule(rank=1))
    assert read_lora(path).modules[QUERY].rank == 1


def test_wrong_rules_and_wrong_files_are_sentences(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "a.safetensors", {QUERY: linear()}, {}).path
    with pytest.raises(UserError, match="Give a rank"):
        resize_lora(path, path, rule=RankRule())
    empty = write_lora(tmp_path / "empty.safetensors", {}, {}).path
    with pytest.raises(FileFormatError, match="no LoRA modules"):
        resize_lora(empty, empty, rule=RankRule(rank=1))
