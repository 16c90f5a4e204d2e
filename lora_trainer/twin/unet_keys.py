"""U-Net names, original (ldm, CompVis and Stability) <-> diffusers, for SD1, SD2 and SDXL.

Both sides name the same leaf modules (`conv`, `norm`, `to_q` ...); only the blocks around them are called differently.
So one table from leaf module to leaf module, drawn from the network's layout, serves tensors and LoRA names alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import BaseModelError

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
TRANSFORMER = ("norm", "proj_in", "proj_out")
TRANSFORMER_BLOCK = (
    *(f"attn{i}.{leaf}" for i in (1, 2) for leaf in ("to_q", "to_k", "to_v", "to_out.0")),
    *("norm1", "norm2", "norm3", "ff.net.0.proj", "ff.net.2"),
)
ENDS = {
    "time_embed.0": "time_embedding.linear_1",
    "time_embed.2": "time_embedding.linear_2",
    "label_emb.0.0": "add_embedding.linear_1",
    "label_emb.0.2": "add_embedding.linear_2",
    "input_blocks.0.0": "conv_in",
    "out.0": "conv_norm_out",
    "out.2": "conv_out",
}


@dataclass(frozen=True)
class UNetLayout:
    """What the shapes tell of a U-Net. `depths` are transformer blocks per level (0: a level without attention)."""

    channels: tuple[int, ...]
    depths: tuple[int, ...]
    mid_depth: int
    context: int
    resnets: int = 2
    linear_projection: bool = False
    label: int = 0
    in_channels: int = 4
    out_channels: int = 4

    @property
    def levels(self) -> int:
        return len(self.channels)


SD1 = UNetLayout((320, 640, 1280, 1280), (1, 1, 1, 0), 1, context=768)
SD2 = UNetLayout((320, 640, 1280, 1280), (1, 1, 1, 0), 1, context=1024, linear_projection=True)
SDXL = UNetLayout((320, 640, 1280), (0, 2, 10), 10, context=2048, linear_projection=True, label=2816)


def read_layout(shapes: Mapping[str, Sequence[int]]) -> UNetLayout:
    """The layout of a U-Net with original names (no prefix). Raises BaseModelError when it has none of this kind."""
    try:
        return _read_layout(shapes)
    except (KeyError, IndexError, StopIteration) as error:
        raise BaseModelError(
            f"The U-Net is not laid out like that of SD1, SD2 or SDXL: {error or 'a block'} is missing. "
            "Choose a checkpoint of one of these kinds."
        ) from error


def _read_layout(shapes: Mapping[str, Sequence[int]]) -> UNetLayout:
    levels: list[list[int]] = [[]]  # of block numbers
    block = 1
    while True:
        if f"input_blocks.{block}.0.in_layers.0.weight" in shapes:
            levels[-1].append(block)
        elif f"input_blocks.{block}.0.op.weight" in shapes:
            levels.append([])
        else:
            break
        block += 1
    proj_in = next(shape for key, shape in shapes.items() if key.endswith(".1.proj_in.weight"))
    to_k = next(shape for key, shape in shapes.items() if key.endswith(".transformer_blocks.0.attn2.to_k.weight"))
    return UNetLayout(
        channels=tuple(shapes[f"input_blocks.{blocks[0]}.0.out_layers.3.weight"][0] for blocks in levels),
        depths=tuple(_depth(f"input_blocks.{blocks[0]}.1", shapes) for blocks in levels),
        mid_depth=_depth("middle_block.1", shapes),
        context=to_k[1],
        resnets=len(levels[0]),
        linear_projection=len(proj_in) == 2,
        label=shapes["label_emb.0.0.weight"][1] if "label_emb.0.0.weight" in shapes else 0,
        in_channels=shapes["input_blocks.0.0.weight"][1],
        out_channels=shapes["out.2.weight"][0],
    )


def _depth(transformer: str, shapes: Mapping[str, Sequence[int]]) -> int:
    depth = 0
    while f"{transformer}.transformer_blocks.{depth}.norm1.weight" in shapes:
        depth += 1
    return depth


def layout_from_config(config: Mapping[str, Any]) -> UNetLayout:
    """The layout that a diffusers UNet2DConditionModel's config describes."""
    channels = tuple(config["block_out_channels"])
    depth = config.get("transformer_layers_per_block") or 1
    depths = tuple(depth) if isinstance(depth, Sequence) else (depth,) * len(channels)
    attends = ["CrossAttn" in kind for kind in config["down_block_types"]]
    return UNetLayout(
        channels=channels,
        depths=tuple(depth if attention else 0 for depth, attention in zip(depths, attends)),
        mid_depth=depths[-1],
        context=config["cross_attention_dim"],
        resnets=config.get("layers_per_block", 2),
        linear_projection=bool(config.get("use_linear_projection")),
        label=config.get("projection_class_embeddings_input_dim") or 0,
        in_channels=config.get("in_channels", 4),
        out_channels=config.get("out_channels", 4),
    )


def unet_modules(layout: UNetLayout) -> dict[str, str]:
    """{original name: diffusers name} of every leaf module of a U-Net of this layout."""
    modules = {name: twin for name, twin in ENDS.items() if layout.label or not name.startswith("label_emb")}
    for block in (*_way_down(layout), *_way_up(layout)):
        modules.update(_resnet(f"{block.original}.0", f"{block.twin}.resnets.{block.index}", block.widens))
        modules.update(_transformer(f"{block.original}.1", f"{block.twin}.attentions.{block.index}", block.depth))
    modules.update(_samplers(layout))
    modules.update(_resnet("middle_block.0", "mid_block.resnets.0", False))
    modules.update(_transformer("middle_block.1", "mid_block.attentions.0", layout.mid_depth))
    modules.update(_resnet("middle_block.2", "mid_block.resnets.1", False))
    return modules


@dataclass(frozen=True)
class _Block:
    """A residual block, with attention when `depth` is above 0; `widens`: it changes the number of channels."""

    original: str
    twin: str
    index: int
    depth: int
    widens: bool


def _way_down(layout: UNetLayout) -> Iterator[_Block]:
    for level in range(layout.levels):
        for i in range(layout.resnets):
            number = 1 + level * (layout.resnets + 1) + i
            widens = i == 0 and level > 0 and layout.channels[level] != layout.channels[level - 1]
            yield _Block(f"input_blocks.{number}", f"down_blocks.{level}", i, layout.depths[level], widens)


def _way_up(layout: UNetLayout) -> Iterator[_Block]:
    for level in range(layout.levels):
        for i in range(layout.resnets + 1):
            number = level * (layout.resnets + 1) + i
            # what the way down remembered is laid beside its input, so every block narrows
            yield _Block(f"output_blocks.{number}", f"up_blocks.{level}", i, layout.depths[-1 - level], True)


def _samplers(layout: UNetLayout) -> dict[str, str]:
    """Changes of resolution: between levels, hence one fewer than levels. On the way up they follow an attention."""
    modules = {}
    for level in range(layout.levels - 1):
        number = (level + 1) * (layout.resnets + 1)
        place = 2 if layout.depths[-1 - level] else 1
        modules[f"input_blocks.{number}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
        modules[f"output_blocks.{number - 1}.{place}.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
    return modules


def _resnet(original: str, twin: str, shortcut: bool) -> dict[str, str]:
    leaves = {leaf: name for leaf, name in RESNET.items() if shortcut or leaf != "skip_connection"}
    return {f"{original}.{leaf}": f"{twin}.{name}" for leaf, name in leaves.items()}


def _transformer(original: str, twin: str, depth: int) -> dict[str, str]:
    leaves = [f"transformer_blocks.{i}.{leaf}" for i in range(depth) for leaf in TRANSFORMER_BLOCK]
    return {f"{original}.{leaf}": f"{twin}.{leaf}" for leaf in ([*TRANSFORMER, *leaves] if depth else [])}
