from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lora_trainer.files.inspection import inspect
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.write import write_lora

from .samples import conv, linear


def test_a_file_is_described(tmp_path: Path, modules: dict[str, LoraModule]) -> None:
    metadata = {"ss_base_model_version": "sd_v1", "ss_v2": "False"}
    written = write_lora(tmp_path / "cat.safetensors", modules, metadata)
    found = inspect(written.path)
    assert found.parts == {"unet": 2, "te": 1}
    assert found.ranks == {2: 1, 4: 2}
    assert found.alphas == {1.0: 1, 2.0: 2}
    assert found.kernels == {"linear": 2, "conv 3x3": 1}
    assert (found.network_type, found.dtype, found.style) == ("locon", "float16", "kohya")
    assert (found.sha256, found.size) == (written.sha256, written.size)
    assert found.family_in_metadata == "sd1"
    assert found.hashes_match is True
    assert json.loads(json.dumps(found.as_json()))["metadata"]["ss_output_name"] == "cat"


def test_the_page_for_people_names_the_facts(tmp_path: Path, modules: dict[str, LoraModule]) -> None:
    page = inspect(write_lora(tmp_path / "cat.safetensors", modules, {}).path).as_text()
    for fact in ("locon, float16, kohya keys", "unet 2, te 1", "2 (1), 4 (2)", "linear 2, conv 3x3 1"):
        assert fact in page


@pytest.mark.parametrize(
    ("name", "module", "family"),
    [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", linear(inputs=768), "sd1"),
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", linear(inputs=1024), "sd2"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", linear(inputs=2048), "sdxl"),
        ("lora_unet_down_blocks_2_attentions_0_transformer_blocks_9_attn1_to_k", linear(), "sdxl"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in", conv(kernel=1), "sd1"),
        ("lora_unet_down_blocks_0_attentions_0_proj_in", linear(), "sd2"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1", linear(), "sdxl"),
        ("lora_te_text_model_encoder_layers_0_self_attn_q_proj", linear(inputs=768), "sd1"),
        ("lora_te_text_model_encoder_layers_20_self_attn_q_proj", linear(inputs=1024), "sd2"),
        ("lora_te_text_model_encoder_layers_0_mlp_fc1", linear(), "unknown"),
    ],
)
def test_keys_and_shapes_tell_the_family(tmp_path: Path, name: str, module: LoraModule, family: str) -> None:
    assert inspect(write_lora(tmp_path / "a.safetensors", {name: module}, {}).path).family == family


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0", "ss_v2": "False"}, "sdxl"),
        ({"ss_base_model_version": "sd_v2", "ss_v2": "True"}, "sd2"),
        ({"ss_base_model_version": "sd_v1", "ss_v2": "False"}, "sd1"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"format": "pt"}, "unknown"),
    ],
)
def test_metadata_tell_the_family(tmp_path: Path, metadata: dict[str, str], family: str) -> None:
    assert (
        inspect(write_lora(tmp_path / "a.safetensors", {"lora_unet_a": linear()}, metadata).path).family_in_metadata
        == family
    )


def test_a_contradiction_between_keys_and_metadata_is_said(tmp_path: Path) -> None:
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
    found = inspect(write_lora(tmp_path / "a.safetensors", {name: linear()}, {"ss_base_model_version": "sd_v1"}).path)
    assert "Stable Diffusion XL by its keys, Stable Diffusion 1.x by its metadata" in found.as_text()


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        (("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"), "loha"),
        (("lokr_w1", "lokr_w2_a", "lokr_w2_b"), "lokr"),
        (("lora_down.weight", "lora_up.weight", "dora_scale"), "dora"),
        (("lora_down.weight", "lora_up.weight"), "lora"),
        (("oft_blocks",), "oft"),
        (("diff",), "full"),
    ],
)
def test_the_network_type_is_told_by_the_parts(tmp_path: Path, roles: tuple[str, ...], kind: str) -> None:
    path = tmp_path / "a.safetensors"
    save_file({f"lora_unet_a.{role}": torch.zeros(4, 4) for role in roles}, path)
    assert inspect(path).network_type == kind


def test_hashes_that_belong_to_other_weights_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"lora_unet_a.diff": torch.ones(2)}, path, {"sshs_model_hash": "0" * 64})
    found = inspect(path)
    assert found.hashes_match is False
    content = path.read_bytes()
    assert found.model_hash == hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()
    assert "not the one stated inside" in found.as_text()
