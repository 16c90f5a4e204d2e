from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lora_trainer.errors import FileFormatError
from lora_trainer.files.lora import LoraFile, LoraModule, complete_open_clip_layers, part_of
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora

from .samples import QUERY, conv, linear, tucker

LAYER = "text_model_encoder_layers_3_self_attn_"


def test_the_change_of_a_linear_weight_is_alpha_over_rank_times_up_down() -> None:
    module = linear(rank=4, alpha=2.0)
    expected = 0.5 * module.up.double().numpy() @ module.down.double().numpy()
    np.testing.assert_allclose(module.delta(torch.float64).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("make", [conv, tucker])
def test_the_change_of_a_convolution_is_what_down_mid_and_up_do_to_a_picture(make) -> None:  # type: ignore[no-untyped-def]
    module = make(rank=4, alpha=3.0)
    picture = torch.linspace(-1, 1, 150, dtype=torch.float64).sin().reshape(1, 6, 5, 5)
    hidden = torch.nn.functional.conv2d(picture, module.down.double(), padding=module.down.shape[2] // 2)
    if module.mid is not None:
        hidden = torch.nn.functional.conv2d(hidden, module.mid.double(), padding=1)
    expected = torch.nn.functional.conv2d(hidden, module.up.double()) * 0.75
    delta = module.delta(torch.float64)
    assert delta.shape == module.weight_shape == (8, 6, 3, 3)
    torch.testing.assert_close(torch.nn.functional.conv2d(picture, delta, padding=1), expected, rtol=1e-10, atol=1e-10)


def test_an_open_clip_layer_is_completed_by_zeros() -> None:
    query = linear(rank=3, inputs=8, outputs=8, alpha=1.5)
    trained = {f"lora_te2_{LAYER}q_proj": query, f"lora_te1_{LAYER}q_proj": query, QUERY: linear()}
    complete = complete_open_clip_layers(trained)
    added = complete.keys() - trained.keys()
    assert added == {f"lora_te2_{LAYER}{which}" for which in ("k_proj", "v_proj", "out_proj")}
    for name in added:
        assert complete[name].weight_shape == (8, 8)
        assert not complete[name].delta().any()
    assert complete[f"lora_te2_{LAYER}q_proj"] is query


def test_text_modules_outside_attention_need_no_company() -> None:
    trained = {"lora_te2_text_model_encoder_layers_3_mlp_fc1": linear()}
    assert complete_open_clip_layers(trained) == trained


@pytest.mark.parametrize(("v2", "count"), [("True", 4), ("False", 1)])
def test_the_only_encoder_is_completed_for_sd2_alone(tmp_path: Path, v2: str, count: int) -> None:
    modules = {f"lora_te_{LAYER}v_proj": linear(inputs=8, outputs=8)}
    path = write_lora(tmp_path / "a.safetensors", modules, {"ss_v2": v2}).path
    assert len(read_lora(path).modules) == count


def test_parts_are_told_by_prefix() -> None:
    names = ["lora_unet_x", "lora_te_x", "lora_te1_x", "lora_te2_x", "lora_prior_x"]
    assert [part_of(name) for name in names] == ["unet", "te", "te1", "te2", "other"]


def test_a_file_with_other_networks_is_refused_where_only_lora_will_do() -> None:
    file = LoraFile(Path("x.safetensors"), {QUERY: linear()}, other={"lora_unet_a": {"hada_w1_a": torch.zeros(1)}})
    with pytest.raises(FileFormatError, match=r"'x\.safetensors' cannot be used to merge: 1 .* hada_w1_a"):
        file.require_plain("merge")
    with pytest.raises(FileFormatError, match="no LoRA modules"):
        LoraFile(Path("x.safetensors"), {}).require_plain("merge")


def test_matrices_that_do_not_fit_are_a_problem() -> None:
    assert linear().problem() == conv().problem() == tucker().problem() == ""
    assert "do not fit" in LoraModule(torch.zeros(4, 8), torch.zeros(8, 5), 1.0).problem()
