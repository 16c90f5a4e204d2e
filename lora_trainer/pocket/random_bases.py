"""Bases of random weights, made on the fly: every family's topology, at any width, as files of the original layout.

They cannot draw. Tests and benchmarks use them where a real base would be too large; a yaml beside each says what the
shapes cannot, and is what the A1111 WebUI loads it by.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..checkpoints import TensorInfo, write_checkpoint
from ..config import EPSILON
from ..families.base import FAMILIES
from ..files.atomic import write_text
from ..twin.sources import Source, renamed, reverse
from ..twin.text import canonical_key, meta_text_encoder, text_arguments
from ..twin.text_keys import TextLayout, open_clip_from_own
from ..twin.unet import SIZE_FEATURES, meta_unet
from ..twin.unet_keys import SD1, SD2, SDXL, UNetLayout, unet_modules
from ..twin.vae import meta_vae
from ..twin.vae_keys import VAELayout, original_vae_sources
from .webui_yaml import CLIP_L, webui_yaml

if TYPE_CHECKING:
    from torch import Tensor, nn

SIZES = 6  # numbers that SDXL is told about a picture's size
VOCABULARY = 49408
TINY = 32  # the fewest channels that GroupNorm's 32 groups allow
REAL = 320  # channels of the real U-Nets
NARROW = 64  # width of text encoders in tiny bases; a head of open_clip's has as many channels
NARROW_HEADS = 4  # of CLIP-L, told by its config.json
SMALL_ARCH = "ViT-S-32-alt"  # the narrowest text encoder that open_clip, and so the WebUI, knows by name
TEXTS = {"sd1": ("CLIP-L",), "sd2": ("H",), "sdxl": ("CLIP-L", "bigG")}
WIDTHS_AND_LAYERS = {"CLIP-L": (768, 12), "H": (1024, 24), "bigG": (1280, 32), SMALL_ARCH: (256, 10)}
UNETS = {"sd1": (SD1, (1, 2, 4, 4)), "sd2": (SD2, (1, 2, 4, 4)), "sdxl": (SDXL, (1, 2, 4))}


@dataclass(frozen=True)
class BaseLayout:
    """All networks of a base. `heads` or `head_channels` of the U-Net is above 0."""

    family: str
    unet: UNetLayout
    vae: VAELayout
    texts: tuple[TextLayout, ...]
    heads: int
    head_channels: int


def base_layout(family: str, channels: int = TINY, text: str = "narrow") -> BaseLayout:
    """The topology of a family at another width, `channels` being those of the U-Net's first level (320: the real one).

    `text`: 'narrow' encoders with as many layers as the real ones, 'real' ones, or 'loadable': where open_clip's form
    is wanted, one that it knows by name, so that a WebUI loads the base.
    """
    whole, multiples = UNETS[family]
    texts = tuple(_text_layout(name, text) for name in TEXTS[family])
    unet = dataclasses.replace(
        whole,
        channels=tuple(channels * multiple for multiple in multiples),
        context=sum(layout.width for layout in texts),
        label=texts[-1].projection + SIZES * SIZE_FEATURES if whole.label else 0,
    )
    vae = 128 if channels == REAL else TINY
    heads = 8 if family == "sd1" else 0
    head_channels = 0 if heads else (64 if channels % 64 == 0 else 8)
    return BaseLayout(family, unet, VAELayout((vae, vae * 2, vae * 4, vae * 4)), texts, heads, head_channels)


def _text_layout(name: str, text: str) -> TextLayout:
    open_clip = name != "CLIP-L"
    width, layers = WIDTHS_AND_LAYERS[SMALL_ARCH if open_clip and text == "loadable" else name]
    if text == "narrow" or (text == "loadable" and not open_clip):
        width = NARROW
    return TextLayout(open_clip, VOCABULARY, width, layers, width * 4, projection=width if open_clip else 0)


def random_checkpoint(
    family: str,
    path: Path,
    *,
    prediction_type: str = EPSILON,
    channels: int = TINY,
    text: str = "narrow",
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Path:
    """Write a base of random weights to `path` (.safetensors), its yaml, and CLIP-L's configuration where it is narrow.

    Weights keep the size of what flows through, norms are perturbed (an untouched final norm gives NaN pictures in the
    WebUI). It is made tensor by tensor; channels=320 with text='real' makes the real size (SD1: 4.1 GB in fp32).
    """
    layout = base_layout(family, channels, text)
    infos = {key: TensorInfo(shape, dtype) for key, shape in original_shapes(layout).items()}
    generator = torch.Generator().manual_seed(seed)
    write_checkpoint(path, infos, lambda key: draw(key, infos[key].shape, generator).to(dtype), {"format": "pt"})
    clip = CLIP_L
    if layout.texts[0].width == NARROW and not layout.texts[0].open_clip:
        clip = write_clip_folder(path.with_suffix(".clip"), layout.texts[0])
    yaml_values = webui_yaml(
        family,
        layout.unet,
        layout.vae,
        prediction_type=prediction_type,
        heads=layout.heads,
        head_channels=layout.head_channels,
        clip=clip,
        open_clip=SMALL_ARCH if text == "loadable" else "",
    )
    _write_yaml(path.with_suffix(".yaml"), yaml_values)
    return path


def original_shapes(layout: BaseLayout) -> dict[str, tuple[int, ...]]:
    """{original key: shape} of every tensor of a checkpoint of this layout."""
    shapes = {}
    unet = meta_unet(layout.unet, heads=layout.heads or None, head_channels=layout.head_channels or None)
    names = reverse(unet_modules(layout.unet))
    table = {str(renamed(key, names)): Source((key,)) for key in unet.state_dict()}
    shapes.update(_shapes("model.diffusion_model.", unet, table))
    vae = meta_vae(layout.vae)
    shapes.update(_shapes("first_stage_model.", vae, original_vae_sources(vae.state_dict(), layout.vae)))
    for part, text in zip(FAMILIES.get(layout.family).text_parts, layout.texts):
        encoder = meta_text_encoder(text, projected=text.open_clip, heads=1)
        keys = {canonical_key(key): key for key in encoder.state_dict() if not key.endswith("position_ids")}
        if text.open_clip:
            table = open_clip_from_own(text.layers, projected=True, names=keys)
        else:
            table = {name: Source((key,)) for name, key in keys.items()}
        shapes.update(_shapes(part.prefix, encoder, table))
    return shapes


def _shapes(prefix: str, module: nn.Module, table: dict[str, Source]) -> dict[str, tuple[int, ...]]:
    own = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    return {prefix + key: source.shape(own) for key, source in table.items()}


def draw(key: str, shape: Iterable[int], generator: torch.Generator) -> Tensor:
    """Random values for a tensor: norms around 1, biases small, embeddings as CLIP's, others of variance 1 / inputs."""
    values = torch.randn(tuple(shape), generator=generator)
    if values.ndim == 1:
        return values.mul_(0.1).add_(1.0) if key.endswith("weight") else values.mul_(0.05)
    if "embedding" in key:
        return values.mul_(0.02)
    return values.mul_(1 / math.sqrt(values[0].numel()))


def write_clip_folder(folder: Path, layout: TextLayout, heads: int = NARROW_HEADS) -> str:
    """What the WebUI needs to build a text encoder without a network: config.json and the tokenizer's files.

    The folder's absolute path is returned, for the yaml's `version`.
    """
    from ..text.tokenizer_files import write_tokenizer_files

    folder.mkdir(parents=True, exist_ok=True)
    values = {
        "model_type": "clip_text_model",
        "architectures": ["CLIPTextModel"],
        **text_arguments(layout, heads=heads),
    }
    write_text(folder / "config.json", json.dumps(values, indent=1))
    write_tokenizer_files(folder)
    return str(folder.resolve())


def _write_yaml(path: Path, values: dict[str, object]) -> None:
    import yaml

    write_text(path, yaml.safe_dump(values, sort_keys=False))
