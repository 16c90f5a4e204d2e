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

from .samples import linear


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
