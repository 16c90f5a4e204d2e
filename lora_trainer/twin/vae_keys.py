"""VAE names, original (ldm) <-> diffusers.

Two things differ beside the names: the decoder's levels are counted from the other end, and the attention in the middle
is made of 1x1 convolutions there and of matrices here (views of each other).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import BaseModelError
from .sources import Source, as_kernel, as_matrix, renamed, reverse, sources

RESNET = {
    "norm1": "norm1",
    "conv1": "conv1",
    "norm2": "norm2",
    "conv2": "conv2",
    "nin_shortcut": "conv_shortcut",
}
ATTENTION = {"norm": "group_norm", "q": "to_q", "k": "to_k", "v": "to_v", "proj_out": "to_out.0"}
OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What diffusers called these before 0.13; the folders of that time still do."""


@dataclass(frozen=True)
class VAELayout:
    """What the shapes tell of a VAE. `latent` is the number of channels of its latents."""

    channels: tuple[int, ...]
    resnets: int = 2
    latent: int = 4
    colours: int = 3


def read_vae_layout(shapes: Mapping[str, Sequence[int]]) -> VAELayout:
    """The layout of a VAE with original names (no prefix). Raises BaseModelError when it has none of this kind."""
    channels: list[int] = []
    while (key := f"encoder.down.{len(channels)}.block.0.conv2.weight") in shapes:
        channels.append(shapes[key][0])
    resnets = 0
    while f"encoder.down.0.block.{resnets}.conv2.weight" in shapes:
        resnets += 1
    missing = [key for key in ("encoder.conv_in.weight", "decoder.conv_in.weight") if key not in shapes]
    if missing or not channels:
        raise BaseModelError(
            "The VAE is not laid out like that of Stable Diffusion: "
            f"{missing[0] if missing else 'encoder.down.0.block.0.conv2.weight'} is missing. "
            "Choose a checkpoint that holds a VAE, or name a VAE file."
        )
    latent, colours = shapes["decoder.conv_in.weight"][1], shapes["encoder.conv_in.weight"][1]
    return VAELayout(tuple(channels), resnets, latent, colours)


def vae_modules(layout: VAELayout) -> dict[str, str]:
    """{original name: diffusers name} of every leaf module that a VAE of this layout may have."""
    levels = len(layout.channels)
    modules = {"quant_conv": "quant_conv", "post_quant_conv": "post_quant_conv"}
    for side in ("encoder", "decoder"):
        modules.update({f"{side}.conv_in": f"{side}.conv_in", f"{side}.conv_out": f"{side}.conv_out"})
        modules[f"{side}.norm_out"] = f"{side}.conv_norm_out"
        modules.update(_leaves(ATTENTION, f"{side}.mid.attn_1", f"{side}.mid_block.attentions.0"))
        for i in (0, 1):
            modules.update(_leaves(RESNET, f"{side}.mid.block_{i + 1}", f"{side}.mid_block.resnets.{i}"))
    for level in range(levels):
        down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{levels - 1 - level}"
        modules[f"encoder.down.{level}.downsample.conv"] = f"{down}.downsamplers.0.conv"
        modules[f"decoder.up.{level}.upsample.conv"] = f"{up}.upsamplers.0.conv"
        for i in range(layout.resnets + 1):
            modules.update(_leaves(RESNET, f"encoder.down.{level}.block.{i}", f"{down}.resnets.{i}"))
            modules.update(_leaves(RESNET, f"decoder.up.{level}.block.{i}", f"{up}.resnets.{i}"))
    return modules


def vae_sources(keys: Iterable[str], layout: VAELayout) -> dict[str, Source]:
    """Where the tensors of a diffusers VAE with these keys come from, under original names."""
    table = sources(keys, reverse(vae_modules(layout)))
    return {key: Source(source.keys, as_matrix) if _attends(key) else source for key, source in table.items()}


def original_vae_sources(keys: Iterable[str], layout: VAELayout) -> dict[str, Source]:
    """The way back: where the original's tensors come from, in a diffusers VAE with these (new or old) keys."""
    names = reverse(vae_modules(layout))
    table = {}
    for key in keys:
        new = _renewed(key)
        original = renamed(new, names)
        if original:
            table[original] = Source((key,), as_kernel) if _attends(new) else Source((key,))
    return table


def _attends(key: str) -> bool:
    """Whether this diffusers key is one of the attention's matrices."""
    return ".attentions." in key and key.endswith(".weight") and "group_norm" not in key


def _renewed(key: str) -> str:
    module, _, parameter = key.rpartition(".")
    block, _, leaf = module.rpartition(".")
    return f"{block}.{OLD_ATTENTION[leaf]}.{parameter}" if ".attentions." in key and leaf in OLD_ATTENTION else key


def _leaves(names: Mapping[str, str], original: str, twin: str) -> dict[str, str]:
    return {f"{original}.{leaf}": f"{twin}.{twin_leaf}" for leaf, twin_leaf in names.items()}
