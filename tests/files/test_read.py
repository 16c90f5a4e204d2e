from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.files.container import ContainerReader
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.read import read_lora

from .samples import QUERY, conv, linear, tucker

PATH = "down_blocks.0.attentions.0.transformer_blocks.0.attn1"
TEXT = "text_model.encoder.layers.0.self_attn"


def read(folder: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None, name: str = "a"):  # type: ignore[no-untyped-def]
    path = folder / f"{name}.safetensors"
    save_file(tensors, path, metadata)
    return read_lora(path)


def pair(down: str, up: str, module: LoraModule | None = None) -> dict[str, torch.Tensor]:
    module = module or linear()
    return {down: module.down.clone(), up: module.up.clone()}


@pytest.mark.parametrize(
    ("style", "down", "up", "name"),
    [
        ("kohya", f"{QUERY}.lora_down.weight", f"{QUERY}.lora_up.weight", QUERY),
        ("diffusers", f"unet.{PATH}.to_q.lora_A.weight", f"unet.{PATH}.to_q.lora_B.weight", QUERY),
        ("diffusers", f"unet.{PATH}.to_q.lora.down.weight", f"unet.{PATH}.to_q.lora.up.weight", QUERY),
        (
            "processor",
            f"unet.{PATH}.processor.to_q_lora.down.weight",
            f"unet.{PATH}.processor.to_q_lora.up.weight",
            QUERY,
        ),
        ("processor", f"{PATH}.processor.to_q_lora.down.weight", f"{PATH}.processor.to_q_lora.up.weight", QUERY),
        (
            "processor",
            f"{PATH}.processor.to_out_lora.down.weight",
            f"{PATH}.processor.to_out_lora.up.weight",
            QUERY.replace("to_q", "to_out_0"),
        ),
        ("peft", f"base_model.model.{PATH}.to_q.lora_A.weight", f"base_model.model.{PATH}.to_q.lora_B.weight", QUERY),
        (
            "peft",
            f"base_model.model.unet.{PATH}.to_q.lora_A.default.weight",
            f"base_model.model.unet.{PATH}.to_q.lora_B.default.weight",
            QUERY,
        ),
        (
            "diffusers",
            f"text_encoder.{TEXT}.q_proj.lora_linear_layer.down.weight",
            f"text_encoder.{TEXT}.q_proj.lora_linear_layer.up.weight",
            "lora_te_text_model_encoder_layers_0_self_attn_q_proj",
        ),
        (
            "diffusers",
            f"text_encoder.{TEXT}.to_out_lora.down.weight",
            f"text_encoder.{TEXT}.to_out_lora.up.weight",
            "lora_te_text_model_encoder_layers_0_self_attn_out_proj",
        ),
        (
            "diffusers",
            f"text_encoder_2.{TEXT}.k_proj.lora_A.weight",
            f"text_encoder_2.{TEXT}.k_proj.lora_B.weight",
            "lora_te2_text_model_encoder_layers_0_self_attn_k_proj",
        ),
        (
            "peft",
            f"base_model.model.{TEXT}.k_proj.lora_A.weight",
            f"base_model.model.{TEXT}.k_proj.lora_B.weight",
            "lora_te_text_model_encoder_layers_0_self_attn_k_proj",
        ),
    ],
)
def test_every_key_style_is_read_under_kohyas_names(tmp_path: Path, style: str, down: str, up: str, name: str) -> None:
    file = read(tmp_path, pair(down, up))
    assert (file.style, list(file.modules), file.unknown) == (style, [name], [])
    assert torch.equal(file.modules[name].down, linear().down)
    assert file.modules[name].scale == 1.0  # no alpha: the hosts take a scale of 1


def test_diffusers_first_encoder_is_te1_where_there_are_two(tmp_path: Path) -> None:
    first = pair(f"text_encoder.{TEXT}.q_proj.lora_A.weight", f"text_encoder.{TEXT}.q_proj.lora_B.weight")
    second = pair(f"text_encoder_2.{TEXT}.q_proj.lora_A.weight", f"text_encoder_2.{TEXT}.q_proj.lora_B.weight")
    assert read(tmp_path, {**first, **second}).parts == {"te1": 1, "te2": 1}


def test_a_wide_context_tells_sdxl_without_its_second_encoder(tmp_path: Path) -> None:
    cross = PATH.replace("attn1", "attn2")
    keys = linear(inputs=2048)
    tensors = pair(f"unet.{cross}.to_k.lora_A.weight", f"unet.{cross}.to_k.lora_B.weight", keys)
    tensors |= pair(f"text_encoder.{TEXT}.q_proj.lora_A.weight", f"text_encoder.{TEXT}.q_proj.lora_B.weight")
    assert read(tmp_path, tensors).parts == {"unet": 1, "te1": 1}


def test_alpha_and_mid_are_read(tmp_path: Path) -> None:
    module = tucker(alpha=2.0)
    assert module.mid is not None
    tensors = {
        "lora_unet_conv.lora_down.weight": module.down,
        "lora_unet_conv.lora_up.weight": module.up,
        "lora_unet_conv.lora_mid.weight": module.mid,
        "lora_unet_conv.alpha": torch.tensor(2.0, dtype=torch.float16),
    }
    found = read(tmp_path, tensors).modules["lora_unet_conv"]
    assert found.alpha == 2.0
    assert torch.equal(found.delta(), module.delta())


def test_pefts_settings_beside_the_file_are_followed(tmp_path: Path) -> None:
    settings = {"lora_alpha": 6, "use_rslora": True, "alpha_pattern": {"to_q": 12}}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    prefix = f"base_model.model.{PATH}"
    tensors = pair(f"{prefix}.to_q.lora_A.weight", f"{prefix}.to_q.lora_B.weight")
    tensors |= pair(f"{prefix}.to_k.lora_A.weight", f"{prefix}.to_k.lora_B.weight")
    modules = read(tmp_path, tensors, name="adapter_model").modules
    assert modules[QUERY].alpha == 24.0  # 12 * sqrt(4)
    assert modules[QUERY.replace("to_q", "to_k")].alpha == 12.0


def test_diffusers_settings_in_the_metadata_are_followed(tmp_path: Path) -> None:
    tensors = pair(f"unet.{PATH}.to_q.lora_A.weight", f"unet.{PATH}.to_q.lora_B.weight")
    settings = json.dumps({"unet.r": 4, "unet.lora_alpha": 6, "text_encoder.lora_alpha": 1})
    assert read(tmp_path, tensors, {"lora_adapter_metadata": settings}).modules[QUERY].scale == 1.5


def test_other_networks_embeddings_and_unknown_keys_are_kept_apart(tmp_path: Path) -> None:
    tensors = pair(f"{QUERY}.lora_down.weight", f"{QUERY}.lora_up.weight")
    tensors |= {"lora_unet_a.oft_blocks": torch.zeros(2, 2, 2)}
    tensors |= {"lora_unet_a.alpha": torch.tensor(1.0), "bundle_emb.猫.string_to_param.*": torch.zeros(1, 4)}
    tensors |= {
        "lora_unet_b.alpha": torch.tensor(1.0),
        "transformer.x.lora_A.weight": torch.zeros(1, 1),
        "what": torch.zeros(1),
    }
    file = read(tmp_path, tensors)
    assert list(file.modules) == [QUERY]
    assert file.other["lora_unet_a"].keys() == {"oft_blocks", "alpha"}
    assert list(file.embeddings) == ["猫"]
    assert set(file.unknown) == {"lora_unet_b.alpha", "transformer.x.lora_A.weight", "what"}


def test_dora_is_no_plain_lora_and_known_by_the_form_that_the_hosts_read(tmp_path: Path) -> None:
    tensors = pair(f"{QUERY}.lora_down.weight", f"{QUERY}.lora_up.weight")
    inputs, outputs = tensors[f"{QUERY}.lora_down.weight"].shape[1], len(tensors[f"{QUERY}.lora_up.weight"])
    file = read(tmp_path, tensors | {f"{QUERY}.dora_scale": torch.ones(1, inputs)})
    assert not file.modules and not file.other and file.special[QUERY].kind == "dora"
    by_output = read(tmp_path, tensors | {f"{QUERY}.dora_scale": torch.ones(outputs, 1)})
    assert not by_output.special and by_output.other[QUERY].keys() == {"down", "up", "dora_scale"}


def test_matrices_that_do_not_fit_are_named(tmp_path: Path) -> None:
    tensors = {f"{QUERY}.lora_down.weight": torch.zeros(4, 8), f"{QUERY}.lora_up.weight": torch.zeros(8, 5)}
    with pytest.raises(FileFormatError, match=rf"'{QUERY}' in .* do not fit"):
        read(tmp_path, tensors)


def test_pt_files_are_read_as_bare_weights_only(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    torch.save({"state_dict": pair(f"{QUERY}.lora_down.weight", f"{QUERY}.lora_up.weight")}, path)
    assert list(read_lora(path).modules) == [QUERY]
    path.write_bytes(pickle.dumps({"x": print}, protocol=2))
    with pytest.raises(FileFormatError, match=r"a\.pt' cannot be read as plain weights"):
        read_lora(path)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file '.*gone\.safetensors'"):
        read_lora(tmp_path / "gone.safetensors")


def test_nothing_holds_the_file_after_reading(tmp_path: Path) -> None:
    file = read(tmp_path, pair("lora_unet_c.lora_down.weight", "lora_unet_c.lora_up.weight", conv()))
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(file.path) not in maps.read_text(encoding="utf-8")
    file.path.write_bytes(b"")
    assert torch.equal(file.modules["lora_unet_c"].down, conv().down)


def test_of_a_whole_checkpoint_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_file({"model.diffusion_model.out.2.weight": torch.zeros(4)}, tmp_path / "base.safetensors")
    monkeypatch.setattr(ContainerReader, "tensor", lambda self, name: pytest.fail(f"{name} was read"))
    file = read_lora(tmp_path / "base.safetensors")
    assert (file.modules, file.unknown) == ({}, ["model.diffusion_model.out.2.weight"])
