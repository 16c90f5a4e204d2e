from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from lora_trainer.errors import FileFormatError, UserError
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.read import read_lora
from lora_trainer.files.write import write_lora
from lora_trainer.tools.convert import convert_lora, dotted

from ..files.samples import QUERY, conv, dora, linear, tucker

UPSAMPLER = "lora_unet_up_blocks_0_upsamplers_0_conv"
SD1: dict[str, LoraModule] = {
    QUERY: linear(1, alpha=2),
    UPSAMPLER: conv(2, alpha=3),
    "lora_unet_down_blocks_0_resnets_0_conv1": tucker(3, alpha=1),
    "lora_te_text_model_encoder_layers_0_self_attn_out_proj": linear(4, inputs=768),
}
SDXL: dict[str, LoraModule] = {
    "lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_out_0": linear(1),
    "lora_unet_output_blocks_2_2_conv": conv(2),
    "lora_te1_text_model_encoder_layers_0_mlp_fc1": linear(3),
    "lora_te2_text_model_encoder_layers_0_mlp_fc2": linear(4),
}


@pytest.mark.parametrize("modules", [SD1, SDXL], ids=["sd1", "sdxl"])
def test_there_and_back_every_change_stays(tmp_path: Path, modules: dict[str, LoraModule]) -> None:
    source = write_lora(tmp_path / "kohya.safetensors", modules, {}, "fp32").path
    there = convert_lora(source, tmp_path / "diffusers.safetensors", style="diffusers")
    back = convert_lora(there.path, tmp_path / "back.safetensors", style="kohya")
    assert (there.style_before, back.style_before, there.modules) == ("kohya", "diffusers", len(modules))
    found = read_lora(back.path).modules
    assert found.keys() == modules.keys()
    for name, module in modules.items():
        torch.testing.assert_close(found[name].delta(), module.delta(), rtol=1e-5, atol=1e-6)


def test_diffusers_keys_are_those_of_its_pipelines(tmp_path: Path) -> None:
    for name, modules in (("sd1", SD1), ("sdxl", SDXL)):
        source = write_lora(tmp_path / f"{name}.safetensors", modules, {}).path
        convert_lora(source, tmp_path / f"{name}_out.safetensors", style="diffusers")
    sd1, sdxl = (set(load((tmp_path / f"{name}_out.safetensors").read_bytes())) for name in ("sd1", "sdxl"))
    assert "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight" in sd1
    assert "text_encoder.text_model.encoder.layers.0.self_attn.out_proj.lora_B.weight" in sd1
    assert "unet.down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_out.0.lora_A.weight" in sdxl
    assert "unet.up_blocks.0.upsamplers.0.conv.lora_B.weight" in sdxl
    assert "text_encoder_2.text_model.encoder.layers.0.mlp.fc2.lora_A.weight" in sdxl
    assert not any(key.endswith(".alpha") for key in sd1 | sdxl)


def test_every_module_that_kohya_trains_has_a_diffusers_name() -> None:
    from lora_trainer.files.unet_names import LAYOUTS, ORIGINAL_NAMES
    from lora_trainer.twin.lora_names import unet_targets

    for family, layout in LAYOUTS.items():
        for target in unet_targets(layout, original_names=ORIGINAL_NAMES[family], conv=True):
            assert dotted(target.lora_name, family) == f"unet.{target.path}"


def test_sdxls_blocks_are_renumbered_both_ways(tmp_path: Path) -> None:
    source = write_lora(tmp_path / "a.safetensors", SDXL, {}).path
    convert_lora(source, tmp_path / "b.safetensors", blocks="diffusers")
    keys = set(load((tmp_path / "b.safetensors").read_bytes()))
    assert "lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_out_0.lora_down.weight" in keys
    assert "lora_unet_up_blocks_0_upsamplers_0_conv.lora_up.weight" in keys
    convert_lora(tmp_path / "b.safetensors", tmp_path / "c.safetensors", blocks="original")
    assert set(load((tmp_path / "c.safetensors").read_bytes())) == set(load(source.read_bytes()))


def test_the_dtype_stays_unless_another_is_asked_for(tmp_path: Path) -> None:
    source = write_lora(tmp_path / "a.safetensors", SD1, {}, "bf16").path
    assert read_lora(convert_lora(source, tmp_path / "b.safetensors").path).dtype == torch.bfloat16
    assert read_lora(convert_lora(source, tmp_path / "c.safetensors", dtype="fp32").path).dtype == torch.float32


def test_another_type_gets_another_dtype_and_numbering_but_has_no_form_in_diffusers_style(tmp_path: Path) -> None:
    name = "lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_q"
    source = write_lora(tmp_path / "a.safetensors", {name: dora()}, {"ss_base_model_version": "sdxl_base_v1-0"}).path
    convert_lora(source, tmp_path / "b.safetensors", blocks="diffusers", dtype="bf16")
    keys = load((tmp_path / "b.safetensors").read_bytes())
    assert "lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_q.dora_scale" in keys
    assert read_lora(tmp_path / "b.safetensors").dtype == torch.bfloat16
    with pytest.raises(FileFormatError, match=r"cannot be used to convert to diffusers' style: 1 of its modules"):
        convert_lora(source, tmp_path / "c.safetensors", style="diffusers")


def test_old_diffusers_files_become_kohyas(tmp_path: Path) -> None:
    path = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora"
    save_file({f"{path}.down.weight": linear().down, f"{path}.up.weight": linear().up}, tmp_path / "old.safetensors")
    result = convert_lora(tmp_path / "old.safetensors", tmp_path / "new.safetensors")
    assert result.style_before == "processor"
    name = QUERY.replace("to_q", "to_out_0")
    assert set(load(result.path.read_bytes())) == {
        f"{name}.{part}" for part in ("lora_down.weight", "lora_up.weight", "alpha")
    }


def test_metadata_tell_the_base_from_the_keys_where_they_were_silent(tmp_path: Path) -> None:
    source = tmp_path / "a.safetensors"
    tensors = {f"{name}.lora_down.weight": module.down for name, module in SDXL.items()}
    tensors |= {f"{name}.lora_up.weight": module.up for name, module in SDXL.items()}
    save_file(tensors, source)
    assert (
        read_lora(convert_lora(source, tmp_path / "b.safetensors").path)
        .metadata["ss_base_model_version"]
        .startswith("sdxl")
    )


def test_what_has_no_name_in_the_new_style_is_refused(tmp_path: Path) -> None:
    odd = write_lora(tmp_path / "odd.safetensors", {"lora_unet_somewhere": linear()}, {}).path
    with pytest.raises(FileFormatError, match="'lora_unet_somewhere', which has no name"):
        convert_lora(odd, tmp_path / "x.safetensors", style="diffusers")
    with pytest.raises(UserError, match="cannot be renumbered"):
        convert_lora(odd, tmp_path / "x.safetensors", blocks="original")
    source = write_lora(tmp_path / "a.safetensors", SD1, {}).path
    with pytest.raises(UserError, match="leave `blocks` out"):
        convert_lora(source, tmp_path / "x.safetensors", style="diffusers", blocks="original")
