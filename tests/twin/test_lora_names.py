import pytest

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.families.base import FAMILIES
from lora_trainer.twin.lora_names import by_lora_name, in_block, unet_targets
from lora_trainer.twin.text import build_text_encoder
from lora_trainer.twin.unet import build_unet
from lora_trainer.twin.unet_keys import SD1, SD2, SDXL
from tests.bases import random_base

COUNTS = {
    "sd1": {"unet": 192, "text_encoder": 72},
    "sd2": {"unet": 192, "text_encoder": 138},
    "sdxl": {"unet": 722, "text_encoder": 72, "text_encoder_2": 192},
}
KOHYA_TARGETS = {"Transformer2DModel"}
KOHYA_CONV_TARGETS = KOHYA_TARGETS | {"ResnetBlock2D", "Downsample2D", "Upsample2D"}


@pytest.fixture(scope="module", params=["sd1", "sd2", "sdxl"])
def networks(request):
    """(family, its twins by part)."""
    family = FAMILIES.get(request.param)
    with open_checkpoint(random_base(family.name)) as checkpoint:
        twins = {"unet": build_unet(checkpoint.part("model.diffusion_model."), head_channels=8)}
        for text in family.text_parts:
            twins[text.part] = build_text_encoder(checkpoint.part(text.prefix), projected=text.projected)
    return family, twins


def targets_of(networks, **options):
    family, twins = networks
    unet, *encoders = twins.values()
    return family.targets(unet, encoders, **options)


def kohyas_choice(unet, kinds):
    """Every Linear and Conv2d below modules of these classes, and what it is."""
    chosen = {}
    for path, module in unet.named_modules():
        if type(module).__name__ in kinds:
            for inner, leaf in module.named_modules():
                if type(leaf).__name__ == "Linear":
                    chosen[f"{path}.{inner}"] = "linear"
                elif type(leaf).__name__ == "Conv2d":
                    chosen[f"{path}.{inner}"] = f"conv{leaf.kernel_size[0]}"
    return chosen


def test_numbers_of_targets_are_kohyas(networks):
    family, twins = networks
    targets = targets_of(networks)
    assert {part: sum(t.part == part for t in targets) for part in twins} == COUNTS[family.name]


@pytest.mark.parametrize("conv", [False, True])
def test_targets_of_the_unet_are_kohyas_with_their_kinds(networks, conv):
    wanted = kohyas_choice(networks[1]["unet"], KOHYA_CONV_TARGETS if conv else KOHYA_TARGETS)
    found = {t.path: t.kind for t in targets_of(networks, conv=conv) if t.part == "unet"}
    assert found == wanted


def test_every_target_is_a_module_of_its_twin(networks):
    for target in targets_of(networks, conv=True):
        module = networks[1][target.part].get_submodule(target.path)
        assert type(module).__name__ == ("Linear" if target.kind == "linear" else "Conv2d")


def test_names_are_unique_and_lead_back(networks):
    targets = targets_of(networks, conv=True)
    back = by_lora_name(targets)
    assert len(back) == len(targets)
    assert all(back[target.lora_name] is target for target in targets)


def test_attention_only_leaves_out_feed_forward_layers_and_projections(networks):
    targets = targets_of(networks, attention_only=True)
    leaves = {target.path.rpartition(".")[2] for target in targets}
    assert leaves == {"to_q", "to_k", "to_v", "0", "q_proj", "k_proj", "v_proj", "out_proj"}


def test_every_target_has_a_block_that_users_can_name(networks):
    family, _ = networks
    levels = 3 if family.name == "sdxl" else 4
    unet = {t.block for t in targets_of(networks, conv=True) if t.part == "unet"}
    assert unet == {"mid", *(f"{way}.{level}" for way in ("down", "up") for level in range(levels))}
    assert {t.block for t in targets_of(networks) if t.part == "text_encoder"} >= {"text.0", "text.11"}


@pytest.mark.parametrize(
    ("layout", "original_names", "path", "name"),
    [
        (SD1, False, "mid_block.attentions.0.proj_in", "lora_unet_mid_block_attentions_0_proj_in"),
        (
            SD2,
            False,
            "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q",
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q",
        ),
        (
            SDXL,
            True,
            "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
            "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q",
        ),
        (
            SDXL,
            True,
            "up_blocks.0.attentions.2.transformer_blocks.9.ff.net.0.proj",
            "lora_unet_output_blocks_2_1_transformer_blocks_9_ff_net_0_proj",
        ),
        (SDXL, True, "up_blocks.0.upsamplers.0.conv", "lora_unet_output_blocks_2_2_conv"),
        (SDXL, True, "down_blocks.0.resnets.1.time_emb_proj", "lora_unet_input_blocks_2_0_emb_layers_1"),
        (SDXL, True, "mid_block.attentions.0.proj_out", "lora_unet_middle_block_1_proj_out"),
    ],
)
def test_names_are_those_of_kohyas_files(layout, original_names, path, name):
    names = {t.path: t.lora_name for t in unet_targets(layout, original_names=original_names, conv=True)}
    assert names[path] == name


def test_text_targets_keep_their_names_whatever_transformers_calls_the_modules(networks):
    family, _ = networks
    prefixes = {"sd1": ["lora_te"], "sd2": ["lora_te"], "sdxl": ["lora_te1", "lora_te2"]}[family.name]
    names = {target.lora_name for target in targets_of(networks)}
    for prefix in prefixes:
        assert f"{prefix}_text_model_encoder_layers_10_self_attn_q_proj" in names
        assert f"{prefix}_text_model_encoder_layers_0_mlp_fc2" in names


def test_a_block_is_meant_by_its_own_name_and_by_what_it_is_part_of():
    assert in_block("down.1", "down")
    assert in_block("down.1", "down.1")
    assert not in_block("text.11", "text.1")
