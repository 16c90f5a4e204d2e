from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.lowrank import RankRule
from lora_trainer.tools.common import WeightedLora
from lora_trainer.tools.merge import merge_loras

from ..files.samples import QUERY, conv, linear, tucker

CONV = "lora_unet_down_blocks_0_resnets_0_conv1"
TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"
SD1 = {"ss_base_model_version": "sd_v1", "ss_v2": "False", "ss_sd_model_name": "base.safetensors"}


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    first = {QUERY: linear(1, rank=4), CONV: conv(2), TEXT: linear(3, rank=2, alpha=1.5)}
    second = {QUERY: linear(4, rank=3, alpha=5), CONV: tucker(5, rank=2)}
    a = write_lora(tmp_path / "a.safetensors", first, {**SD1, "ss_clip_skip": "1"}, "fp32")
    b = write_lora(tmp_path / "b.safetensors", second, {**SD1, "ss_clip_skip": "2"}, "fp32")
    return [a.path, b.path]


def summed(inputs: list[WeightedLora]) -> dict[str, torch.Tensor]:
    """The change of every weight by its definition, in float64."""
    total: dict[str, torch.Tensor] = {}
    for item in inputs:
        for name, module in read_lora(item.path).modules.items():
            total[name] = total.get(name, 0) + item.strength_of(name) * module.delta(torch.float64)
    return total


def test_a_merged_file_changes_every_weight_as_all_files_do_together(files: list[Path], tmp_path: Path) -> None:
    inputs = [WeightedLora(files[0], 0.7, text_strength=0.25), WeightedLora(files[1], -1.3)]
    merged = merge_loras(inputs, tmp_path / "both.safetensors")
    found = read_lora(merged.path).modules
    expected = summed(inputs)
    assert found.keys() == expected.keys()
    for name, delta in expected.items():
        torch.testing.assert_close(found[name].delta(torch.float64), delta, rtol=1e-5, atol=1e-6)
    assert (found[QUERY].rank, found[CONV].rank, merged.highest_rank, merged.least_kept) == (7, 6, 7, 1.0)


def test_one_file_at_full_strength_keeps_its_bits(files: list[Path], tmp_path: Path) -> None:
    merge_loras([WeightedLora(files[0])], tmp_path / "same.safetensors")
    before, after = read_lora(files[0]).modules, read_lora(tmp_path / "same.safetensors").modules
    for name, module in before.items():
        assert torch.equal(after[name].down, module.down)
        assert torch.equal(after[name].up, module.up)
        assert after[name].alpha == module.alpha


def test_a_file_at_strength_0_takes_no_part(files: list[Path], tmp_path: Path) -> None:
    merge_loras([WeightedLora(files[0]), WeightedLora(files[1], 0.0)], tmp_path / "m.safetensors")
    found = read_lora(tmp_path / "m.safetensors").modules
    torch.testing.assert_close(found[QUERY].delta(), linear(1, rank=4).delta(), rtol=1e-5, atol=1e-6)


def test_a_cut_merge_is_the_best_approximation_of_its_rank(files: list[Path], tmp_path: Path) -> None:
    inputs = [WeightedLora(files[0], 0.7), WeightedLora(files[1], 1.1)]
    merged = merge_loras(inputs, tmp_path / "cut.safetensors", rule=RankRule(rank=2))
    found = read_lora(merged.path).modules
    shares = []
    for name, delta in summed(inputs).items():
        left, values, right = torch.linalg.svd(delta.flatten(1), full_matrices=False)
        best = (left[:, :2] * values[:2]) @ right[:2]
        torch.testing.assert_close(found[name].delta(torch.float64).flatten(1), best, rtol=1e-5, atol=1e-5)
        assert found[name].rank == 2
        shares.append(float(best.norm() / delta.norm()))
    assert merged.least_kept == pytest.approx(min(shares), rel=1e-6)


def test_a_matrix_and_a_1x1_kernel_are_the_same_weight(tmp_path: Path) -> None:
    matrix = linear(1, inputs=6, outputs=8)
    kernel = conv(2, kernel=1)
    for name, module in (("matrix", matrix), ("kernel", kernel)):
        write_lora(tmp_path / f"{name}.safetensors", {QUERY: module}, {}, "fp32")
    both = [WeightedLora(tmp_path / "matrix.safetensors"), WeightedLora(tmp_path / "kernel.safetensors")]
    merge_loras(both, tmp_path / "both.safetensors")
    found = read_lora(tmp_path / "both.safetensors").modules[QUERY]
    assert found.weight_shape == (8, 6, 1, 1)
    torch.testing.assert_close(found.delta().flatten(1), matrix.delta() + kernel.delta().flatten(1))


def test_metadata_say_what_all_files_agree_on(files: list[Path], tmp_path: Path) -> None:
    merge_loras([WeightedLora(files[0], 0.5), WeightedLora(files[1])], tmp_path / "m.safetensors")
    metadata = read_lora(tmp_path / "m.safetensors").metadata
    assert metadata["ss_base_model_version"] == "sd_v1"
    assert metadata["ss_sd_model_name"] == "base.safetensors"
    assert "ss_clip_skip" not in metadata
    assert metadata["ss_network_dim"] == "Dynamic"
    assert metadata["ss_output_name"] == "m"
    assert metadata["modelspec.merged_from"] == "a, b"


def test_files_for_different_bases_are_not_joined(files: list[Path], tmp_path: Path) -> None:
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q"
    xl = write_lora(tmp_path / "xl.safetensors", {name: linear()}, {}).path
    with pytest.raises(FileFormatError, match=r"'a\.safetensors' is for sd1, 'xl\.safetensors' is for sdxl"):
        merge_loras([WeightedLora(files[0]), WeightedLora(xl)], tmp_path / "m.safetensors")


def test_weights_of_different_sizes_are_named(files: list[Path], tmp_path: Path) -> None:
    wide = write_lora(tmp_path / "wide.safetensors", {QUERY: linear(inputs=20)}, {}).path
    with pytest.raises(FileFormatError, match=rf"'{QUERY}' changes weights of shapes \(10, 12\) and \(10, 20\)"):
        merge_loras([WeightedLora(files[0]), WeightedLora(wide)], tmp_path / "m.safetensors")


def test_other_network_types_are_refused(files: list[Path], tmp_path: Path) -> None:
    save_file({f"{QUERY}.hada_w1_a": torch.zeros(2, 2)}, tmp_path / "loha.safetensors")
    with pytest.raises(FileFormatError, match=r"loha\.safetensors' cannot be used to merge"):
        merge_loras([WeightedLora(files[0]), WeightedLora(tmp_path / "loha.safetensors")], tmp_path / "m.safetensors")


def test_nothing_to_merge_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least one"):
        merge_loras([], tmp_path / "m.safetensors")


def test_the_merged_file_is_fp16_when_the_first_is(tmp_path: Path) -> None:
    modules: dict[str, LoraModule] = {QUERY: linear()}
    path = write_lora(tmp_path / "half.safetensors", modules, {}, "fp16").path
    merge_loras([WeightedLora(path)], tmp_path / "m.safetensors")
    assert read_lora(tmp_path / "m.safetensors").dtype == torch.float16
