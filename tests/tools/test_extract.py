from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.lowrank import RankRule
from lora_trainer.tools.common import WeightedLora
from lora_trainer.tools.extract import ExtractRules, extract_lora, module_of_difference
from lora_trainer.tools.merge_checkpoint import merge_into_checkpoint

from .bases import save_base
from .test_merge_checkpoint import LAYER, SD1_MODULES, square

ALL = ExtractRules(linear=RankRule(rank=3), conv=RankRule(rank=3))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A base, and the same with known changes of rank 3."""
    base, tuned = tmp_path / "base.safetensors", tmp_path / "tuned.safetensors"
    save_base(base, "sd1")
    modules = {name: module for name, (module, _) in SD1_MODULES.items()}
    lora = write_lora(tmp_path / "lora.safetensors", modules, {}, "fp32").path
    merge_into_checkpoint(base, [WeightedLora(lora, 0.7)], tuned)
    return base, tuned


def test_what_was_merged_is_extracted_again(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = extract_lora(*pair, tmp_path / "x.safetensors", rules=ALL, dtype="fp32")
    file = read_lora(result.path)
    assert file.modules.keys() == SD1_MODULES.keys()
    for name, (module, _) in SD1_MODULES.items():
        expected = 0.7 * module.delta(torch.float64)
        error = (file.modules[name].delta(torch.float64) - expected).norm() / expected.norm()
        assert float(error) < 1e-5, name
    assert result.ranks == {3: len(SD1_MODULES)}
    assert result.least_kept == pytest.approx(1.0, abs=1e-5)
    assert file.metadata["ss_base_model_version"] == "sd_v1"
    assert file.metadata["ss_network_dim"] == "3"


def test_a_lower_rank_is_the_best_approximation(pair: tuple[Path, Path], tmp_path: Path) -> None:
    rules = ExtractRules(linear=RankRule(rank=1), conv=RankRule(rank=2))
    result = extract_lora(*pair, tmp_path / "x.safetensors", rules=rules, dtype="fp32")
    before, after = (load(path.read_bytes()) for path in pair)
    modules = read_lora(result.path).modules
    for name, (_, key) in SD1_MODULES.items():
        difference = (after[key].double() - before[key].double()).flatten(1)
        left, values, right = torch.linalg.svd(difference, full_matrices=False)
        rank = 2 if after[key].shape[2:] == (3, 3) else 1
        best = (left[:, :rank] * values[:rank]) @ right[:rank]
        torch.testing.assert_close(modules[name].delta(torch.float64).flatten(1), best, rtol=1e-4, atol=1e-5)


def test_parts_can_be_left_out(pair: tuple[Path, Path], tmp_path: Path) -> None:
    rules = ExtractRules(linear=RankRule(rank=3), text=False)
    modules = read_lora(extract_lora(*pair, tmp_path / "x.safetensors", rules=rules).path).modules
    assert not any(name.startswith("lora_te") or "_conv" in name for name in modules)
    assert len(modules) == 3


def test_a_packed_projection_is_extracted_as_four_modules(tmp_path: Path) -> None:
    tensors = save_base(tmp_path / "base.safetensors", "sdxl")
    key = "conditioner.embedders.1.model.transformer.resblocks.1.attn.in_proj_weight"
    change = torch.zeros_like(tensors[key])
    change[32:64] = square(1).delta()
    save_file(tensors | {key: tensors[key] + change}, tmp_path / "tuned.safetensors")
    paths = (tmp_path / "base.safetensors", tmp_path / "tuned.safetensors")
    file = read_lora(extract_lora(*paths, tmp_path / "x.safetensors", rules=ALL, dtype="fp32").path)
    names = [f"lora_te2_{LAYER}self_attn_{leaf}" for leaf in ("q_proj", "k_proj", "v_proj", "out_proj")]
    assert sorted(file.modules) == sorted(names)
    torch.testing.assert_close(file.modules[names[1]].delta(), square(1).delta(), rtol=1e-4, atol=1e-5)
    assert not file.modules[names[0]].delta().any()
    assert file.metadata["ss_base_model_version"] == "sdxl_base_v1-0"


def test_energy_chooses_the_rank() -> None:
    values = torch.tensor([4.0, 3.0, 2.0, 1.0])
    module, kept = module_of_difference(torch.diag(values), RankRule(keep="energy", amount=0.8))
    assert module.rank == 2
    assert kept == pytest.approx((25 / 30) ** 0.5)


def test_clamping_limits_outliers_alone() -> None:
    difference = torch.eye(8) * 0.01
    difference[0, 0] = 100.0
    free, _ = module_of_difference(difference, RankRule(rank=8))
    clamped, _ = module_of_difference(difference, RankRule(rank=8), clamp=0.95)
    assert float(free.up.abs().max()) == pytest.approx(10.0, rel=1e-5)
    assert float(clamped.up.abs().max()) < 0.2
    torch.testing.assert_close(clamped.delta()[1:, 1:], difference[1:, 1:], rtol=1e-4, atol=1e-6)


def test_checkpoints_that_do_not_differ_or_fit_are_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    base, _ = pair
    with pytest.raises(FileFormatError, match="do not differ"):
        extract_lora(base, base, tmp_path / "x.safetensors", rules=ALL)
    save_base(tmp_path / "other.safetensors", "sd2")
    with pytest.raises(FileFormatError, match=r"Stable Diffusion 1\.x.*Stable Diffusion 2\.x.*not laid out alike"):
        extract_lora(base, tmp_path / "other.safetensors", tmp_path / "x.safetensors", rules=ALL)
    with pytest.raises(UserError, match="clamp quantile"):
        extract_lora(base, base, tmp_path / "x.safetensors", rules=ExtractRules(clamp=99))
