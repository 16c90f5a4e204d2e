from __future__ import annotations

import hashlib
import weakref
from pathlib import Path

import pytest
import torch
from safetensors.torch import load

from lora_trainer.checkpoints import Checkpoint
from lora_trainer.errors import FileFormatError, TrainingError, UserError
from lora_trainer.files.lora import LoraModule
from lora_trainer.files.write import write_lora
from lora_trainer.tools.common import WeightedLora
from lora_trainer.tools.merge_checkpoint import merge_into_checkpoint

from ..files.samples import dora, linear
from .bases import INNER, WIDTH, save_base

UNET = "model.diffusion_model."
SD1_TEXT, SDXL_TEXT_2 = "cond_stage_model.transformer.", "conditioner.embedders.1.model."
LAYER = "text_model_encoder_layers_1_"


def kernel(size: int, seed: int, tucker: bool = False) -> LoraModule:
    generator = torch.Generator().manual_seed(seed)
    up = torch.randn(WIDTH, 3, 1, 1, generator=generator)
    if not tucker:
        return LoraModule(torch.randn(3, WIDTH, size, size, generator=generator), up, 1.5)
    mid = torch.randn(3, 3, size, size, generator=generator)
    return LoraModule(torch.randn(3, WIDTH, 1, 1, generator=generator), up, 1.5, mid)


def square(seed: int) -> LoraModule:
    return linear(seed, rank=3, inputs=WIDTH, outputs=WIDTH, alpha=1.5)


SD1_MODULES = {
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q": (
        square(1),
        UNET + "input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight",
    ),
    "lora_unet_down_blocks_1_attentions_0_proj_in": (kernel(1, 2), UNET + "input_blocks.4.1.proj_in.weight"),
    "lora_unet_mid_block_attentions_0_transformer_blocks_0_ff_net_2": (
        linear(3, rank=3, inputs=4 * WIDTH, outputs=WIDTH),
        UNET + "middle_block.1.transformer_blocks.0.ff.net.2.weight",
    ),
    "lora_unet_down_blocks_3_resnets_1_conv2": (kernel(3, 4), UNET + "input_blocks.11.0.out_layers.3.weight"),
    "lora_unet_up_blocks_1_upsamplers_0_conv": (kernel(3, 5, tucker=True), UNET + "output_blocks.5.2.conv.weight"),
    f"lora_te_{LAYER}mlp_fc1": (
        linear(6, rank=3, inputs=WIDTH, outputs=INNER),
        SD1_TEXT + "text_model.encoder.layers.1.mlp.fc1.weight",
    ),
}


def merged(folder: Path, family: str, modules: dict[str, LoraModule], strength: float = 0.7, **more):  # type: ignore[no-untyped-def]
    """The base's tensors, the merged ones, and what the merge reported."""
    before = save_base(folder / "base.safetensors", family, dtype=more.pop("base_dtype", torch.float32))
    lora = write_lora(folder / "lora.safetensors", modules, {"ss_v2": str(family == "sd2")}, "fp32").path
    item = WeightedLora(lora, strength, more.pop("text_strength", None))
    result = merge_into_checkpoint(folder / "base.safetensors", [item], folder / "out.safetensors", **more)
    return before, load(result.path.read_bytes()), result


def test_every_weight_becomes_w_plus_strength_times_scale_times_up_down(tmp_path: Path) -> None:
    modules = {name: module for name, (module, _) in SD1_MODULES.items()}
    before, after, result = merged(tmp_path, "sd1", modules)
    places = {key: module for module, key in SD1_MODULES.values()}
    assert after.keys() == before.keys()
    assert result.changed == len(places)
    for key, tensor in before.items():
        if key in places:
            expected = tensor.double() + 0.7 * places[key].delta(torch.float64).reshape(tensor.shape)
            torch.testing.assert_close(after[key].double(), expected, rtol=1e-5, atol=1e-6)
        else:
            assert torch.equal(after[key], tensor), key


def test_modules_whose_change_depends_on_the_weight_are_merged_too(tmp_path: Path) -> None:
    name, key = next((name, key) for name, (_, key) in SD1_MODULES.items() if name.endswith("to_q"))
    module = dora(inputs=WIDTH, outputs=WIDTH)
    before, after, _ = merged(tmp_path, "sd1", {name: module})
    expected = before[key] + 0.7 * module.change(before[key])
    torch.testing.assert_close(after[key], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "prefix", "text"), [("sdxl", "lora_te2", SDXL_TEXT_2), ("sd2", "lora_te", "cond_stage_model.model.")]
)
def test_packed_projections_get_their_thirds(tmp_path: Path, family: str, prefix: str, text: str) -> None:
    changes = {leaf: square(seed) for seed, leaf in enumerate(("q_proj", "k_proj", "v_proj", "out_proj"))}
    modules = {f"{prefix}_{LAYER}self_attn_{leaf}": module for leaf, module in changes.items()}
    modules[f"{prefix}_{LAYER}mlp_fc2"] = linear(9, rank=3, inputs=INNER, outputs=WIDTH)
    before, after, result = merged(tmp_path, family, modules)
    block = f"{text}transformer.resblocks.1."
    packed = torch.cat([changes[leaf].delta(torch.float64) for leaf in ("q_proj", "k_proj", "v_proj")])
    expected = {
        "attn.in_proj_weight": packed,
        "attn.out_proj.weight": changes["out_proj"].delta(torch.float64),
        "mlp.c_proj.weight": modules[f"{prefix}_{LAYER}mlp_fc2"].delta(torch.float64),
    }
    assert result.changed == 3
    for leaf, delta in expected.items():
        torch.testing.assert_close(
            after[block + leaf].double(), before[block + leaf].double() + 0.7 * delta, rtol=1e-5, atol=1e-6
        )


@pytest.mark.parametrize("name", ["input_blocks_4_1", "down_blocks_1_attentions_0"])
def test_sdxl_files_of_either_block_numbering_are_merged(tmp_path: Path, name: str) -> None:
    modules = {f"lora_unet_{name}_transformer_blocks_1_attn2_to_v": square(1)}
    before, after, _ = merged(tmp_path, "sdxl", modules, strength=-0.5)
    key = UNET + "input_blocks.4.1.transformer_blocks.1.attn2.to_v.weight"
    expected = before[key].double() - 0.5 * square(1).delta(torch.float64)
    torch.testing.assert_close(after[key].double(), expected, rtol=1e-5, atol=1e-6)


def test_text_encoders_may_have_a_strength_of_their_own(tmp_path: Path) -> None:
    modules = {name: module for name, (module, _) in SD1_MODULES.items()}
    before, after, result = merged(tmp_path, "sd1", modules, text_strength=0.0)
    key = SD1_MODULES[f"lora_te_{LAYER}mlp_fc1"][1]
    assert torch.equal(after[key], before[key])
    assert result.changed == len(modules) - 1


def test_the_result_has_the_dtypes_of_the_base_or_the_one_asked_for(tmp_path: Path) -> None:
    modules = {f"lora_te_{LAYER}mlp_fc1": SD1_MODULES[f"lora_te_{LAYER}mlp_fc1"][0]}
    before, after, _ = merged(tmp_path, "sd1", modules, base_dtype=torch.float16)
    assert {tensor.dtype for tensor in after.values()} == {torch.float16}
    key = SD1_MODULES[f"lora_te_{LAYER}mlp_fc1"][1]
    expected = before[key].double() + 0.7 * modules[f"lora_te_{LAYER}mlp_fc1"].delta(torch.float64)
    torch.testing.assert_close(after[key].double(), expected, rtol=1e-3, atol=1e-3)
    _, after, _ = merged(tmp_path, "sd1", modules, dtype="bf16")
    assert {tensor.dtype for tensor in after.values()} == {torch.bfloat16}


def test_only_a_few_tensors_are_alive_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Checkpoint.tensor
    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most = []

    def counting(self: Checkpoint, key: str) -> torch.Tensor:
        tensor = read(self, key)
        alive.add(tensor)
        most.append(len(alive))
        return tensor

    monkeypatch.setattr(Checkpoint, "tensor", counting)
    merged(tmp_path, "sd1", {name: module for name, (module, _) in SD1_MODULES.items()})
    assert len(most) > 600
    assert max(most) <= 2


def test_metadata_and_yaml_of_the_base_go_along(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("model: {}\n", encoding="utf-8")
    _, _, result = merged(tmp_path, "sd1", {f"lora_te_{LAYER}self_attn_q_proj": square(1)})
    content = result.path.read_bytes()
    header = content[8 : 8 + int.from_bytes(content[:8], "little")].decode()
    assert '"made":"by hand"' in header
    assert "0xold" not in header
    assert "base, lora * 0.7" in header
    assert (tmp_path / "out.yaml").read_text(encoding="utf-8") == "model: {}\n"
    assert result.sha256 == hashlib.sha256(content).hexdigest()


def test_a_lora_for_another_base_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"lora\.safetensors' does not fit .* has no 'lora_te2_"):
        merged(tmp_path, "sd1", {f"lora_te2_{LAYER}mlp_fc1": square(1)})
    with pytest.raises(FileFormatError, match=r"changes a weight of \(10, 12\), not \(48, 32\)"):
        merged(tmp_path, "sd1", {f"lora_te_{LAYER}mlp_fc1": linear()})
    assert not (tmp_path / "out.safetensors").exists()


def test_a_sum_beyond_fp16_is_an_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"beyond torch\.float16 after lora_te_.*lower the strength"):
        merged(tmp_path, "sd1", {f"lora_te_{LAYER}self_attn_q_proj": square(1)}, 1e6, base_dtype=torch.float16)
    assert not (tmp_path / "out.safetensors").exists()


def test_the_base_is_not_overwritten_while_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be its own result"):
        merge_into_checkpoint(tmp_path / "a.safetensors", [], tmp_path / "x" / ".." / "a.safetensors")
