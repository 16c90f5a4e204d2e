import pytest
import torch
from torch import nn

from lora_trainer.checkpoints import open_checkpoint
from lora_trainer.errors import BaseModelError
from lora_trainer.families.base import FAMILIES, PictureSize
from lora_trainer.host.base import Conditioning
from lora_trainer.twin.unet import build_unet, head_counts, live_heads
from lora_trainer.twin.unet_keys import SD1, SD2, SDXL, layout_from_config, read_layout, unet_modules
from tests.bases import random_base
from tests.twin.originals import OriginalUNet, sinusoids

UNET = "model.diffusion_model."
HEADS = {"sd1": lambda channels: 8, "sd2": lambda channels: channels // 8, "sdxl": lambda channels: channels // 8}
LAYOUTS = {"sd1": SD1, "sd2": SD2, "sdxl": SDXL}


@pytest.fixture(scope="module", params=["sd1", "sd2", "sdxl"])
def unet(request):
    """(family, the original's parameters as a host has them, the twin)."""
    with open_checkpoint(random_base(request.param)) as checkpoint:
        own = {key: nn.Parameter(tensor) for key, tensor in checkpoint.part(UNET).items()}
        hints = checkpoint.hints
    return request.param, own, build_unet(own, heads=hints.heads, head_channels=hints.head_channels)


def test_the_twin_consists_of_the_very_parameters_of_the_original(unet):
    _, own, twin = unet
    assert {id(parameter) for parameter in twin.parameters()} == {id(parameter) for parameter in own.values()}
    assert list(twin.buffers()) == []
    assert not any(parameter.requires_grad for parameter in own.values())
    assert not twin.training


def test_the_twin_predicts_what_the_original_predicts(unet):
    family, own, twin = unet
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(2, 4, 16, 8, generator=generator)
    timesteps = torch.tensor([3, 801])
    width = twin.config.cross_attention_dim
    conditioning = Conditioning(torch.randn(2, 77, width, generator=generator), torch.randn(2, 64, generator=generator))
    sizes = [PictureSize((512, 768), (0, 8), (512, 512)), PictureSize((64, 128), (3, 0), (640, 512))]
    numbers = torch.tensor([[512, 768, 0, 8, 512, 512], [64, 128, 3, 0, 640, 512]])
    vector = torch.cat([conditioning.pooled, sinusoids(numbers.flatten(), 256).reshape(2, -1)], dim=1)
    with torch.no_grad():
        wanted = OriginalUNet(own, HEADS[family])(
            latents, timesteps, conditioning.context, vector if family == "sdxl" else None
        )
        inputs = FAMILIES.get(family).unet_inputs(conditioning, sizes)
        predicted = twin(latents, timesteps, **inputs).sample
    assert wanted.std() > 0.1
    torch.testing.assert_close(predicted, wanted, rtol=0, atol=1e-5)


def test_moving_the_twin_moves_the_original(unet):
    _, own, twin = unet
    first = own["input_blocks.0.0.weight"]
    twin.conv_in.to(torch.float64)
    assert first.dtype == torch.float64
    twin.conv_in.to(torch.float32)


def test_layout_is_read_the_same_from_original_names_and_from_a_diffusers_config(unet):
    family, own, twin = unet
    layout = read_layout({key: parameter.shape for key, parameter in own.items()})
    assert layout == layout_from_config(twin.config)
    assert unet_modules(layout).keys() == unet_modules(LAYOUTS[family]).keys()


@pytest.mark.parametrize(
    ("layout", "original", "name"),
    [
        (SD1, "output_blocks.2.1.conv", "up_blocks.0.upsamplers.0.conv"),  # below it, no attention
        (SD1, "output_blocks.5.2.conv", "up_blocks.1.upsamplers.0.conv"),
        (SD1, "input_blocks.9.0.op", "down_blocks.2.downsamplers.0.conv"),
        (SD1, "output_blocks.11.1.norm", "up_blocks.3.attentions.2.norm"),
        (SDXL, "output_blocks.2.2.conv", "up_blocks.0.upsamplers.0.conv"),
        (SDXL, "output_blocks.8.0.skip_connection", "up_blocks.2.resnets.2.conv_shortcut"),
        (SDXL, "label_emb.0.0", "add_embedding.linear_1"),
    ],
)
def test_modules_of_the_published_checkpoints_have_their_places(layout, original, name):
    assert unet_modules(layout)[original] == name


def test_names_agree_with_diffusers_own_converter(unet):
    utils = pytest.importorskip("diffusers.loaders.single_file_utils")
    convert = getattr(utils, "convert_ldm_unet_checkpoint", None) or pytest.skip("diffusers moved its converter")
    _, own, twin = unet
    converted = convert({UNET + key: parameter for key, parameter in own.items()}, dict(twin.config))
    assert {key: id(parameter) for key, parameter in converted.items()} == {
        key: id(parameter) for key, parameter in twin.named_parameters()
    }


def test_another_dtype_gives_the_twin_its_own_copy_and_leaves_the_original():
    with open_checkpoint(random_base("sd1")) as checkpoint:
        own = {key: nn.Parameter(tensor) for key, tensor in checkpoint.part(UNET).items()}
    before = {key: parameter.detach().clone() for key, parameter in own.items()}
    twin = build_unet(own, heads=8, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in twin.parameters()} == {torch.bfloat16}
    assert all(torch.equal(parameter, before[key]) for key, parameter in own.items())


def test_float8_weights_are_copied_in_the_dtype_of_what_was_left_as_it_was():
    with open_checkpoint(random_base("sd1")) as checkpoint:
        own = {key: tensor.half() for key, tensor in checkpoint.part(UNET).items()}
    key = "middle_block.1.proj_in.weight"
    own[key] = own[key].to(torch.float8_e4m3fn)
    twin = build_unet(own, heads=8)
    weight = twin.mid_block.attentions[0].proj_in.weight
    assert own[key].dtype == torch.float8_e4m3fn
    assert weight.dtype == torch.float16
    assert torch.equal(weight, own[key].half())


@pytest.mark.parametrize(
    ("layout", "given", "counts"),
    [
        (SD1, {}, (8, 8, 8, 8)),
        (SD2, {}, (5, 10, 20, 20)),
        (SDXL, {}, (5, 10, 20)),
        (SD1, {"heads": 4}, (4, 4, 4, 4)),
        (SD1, {"head_channels": 32}, (10, 20, 40, 40)),
        (SDXL, {"heads": (1, 2, 4)}, (1, 2, 4)),
    ],
)
def test_head_counts_follow_the_kind_of_projection_unless_they_are_given(layout, given, counts):
    assert head_counts(layout, **given) == counts


def test_head_counts_that_do_not_divide_the_channels_are_named():
    with pytest.raises(BaseModelError, match=r"7.*num_heads"):
        head_counts(SD1, heads=7)


class LiveUNet(nn.Module):
    """A host's U-Net as far as it matters here: parameters by the original's names, and attention that knows heads."""

    def __init__(self, own, heads):
        super().__init__()
        for key, parameter in own.items():
            *path, leaf = key.split(".")
            module = self
            for name in path:
                if name not in module._modules:
                    module.add_module(name, nn.Module())
                module = module._modules[name]
            module.register_parameter(leaf, parameter)
        for name, module in self.named_modules():
            if name.endswith("attn1"):
                module.heads = heads(module.to_q.weight.shape[0])


def test_head_counts_are_read_off_a_live_unet(unet):
    family, own, twin = unet
    heads = live_heads(LiveUNet(own, HEADS[family]))
    used = heads[1:] if family == "sdxl" else heads
    assert used == tuple(twin.config.attention_head_dim)[-len(used) :]


def test_missing_and_unexpected_tensors_are_named():
    with open_checkpoint(random_base("sd1")) as checkpoint:
        own = dict(checkpoint.part(UNET))
    own["input_blocks.1.0.surprise.weight"] = own.pop("input_blocks.1.0.in_layers.2.bias")
    with pytest.raises(BaseModelError, match=r"in_layers\.2\.bias.*surprise"):
        build_unet(own)


def test_a_tensor_of_another_shape_is_named():
    with open_checkpoint(random_base("sd1")) as checkpoint:
        own = dict(checkpoint.part(UNET))
    own["out.0.bias"] = torch.zeros(64)
    with pytest.raises(BaseModelError, match=r"out\.0\.bias has the shape \(64,\) in place of \(32,\)"):
        build_unet(own)


def test_what_is_no_unet_is_told():
    with pytest.raises(BaseModelError, match="not laid out like"):
        build_unet({"double_blocks.0.weight": torch.zeros(1)})
