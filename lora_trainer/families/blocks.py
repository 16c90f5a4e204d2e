"""Which blocks of a base a LoRA can go into, told from the names and shapes of its tensors alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..errors import BaseModelError
from .base import Family

if TYPE_CHECKING:
    from ..twin.lora_names import Target

UNET = "model.diffusion_model."
Shapes = Mapping[str, Sequence[int]]


def lora_blocks(family: Family, shapes: Shapes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The blocks with attention and of the text encoders ('down.0', 'mid', 'text.11'), and those of convolutions alone.

    Both are empty for networks that are laid out otherwise: building their twins tells what is wrong with them.
    """
    from ..twin.lora_names import unet_targets
    from ..twin.unet_keys import read_layout

    try:
        layout = read_layout(_part(shapes, UNET))
        attention = _blocks(unet_targets(layout, original_names=False))
        text = _blocks(_text_targets(family, shapes))
    except BaseModelError:
        return (), ()
    with_convolutions = _blocks(unet_targets(layout, original_names=False, conv=True))
    return (*attention, *text), tuple(block for block in with_convolutions if block not in attention)


def _text_targets(family: Family, shapes: Shapes) -> list[Target]:
    from ..twin.lora_names import text_targets
    from ..twin.text_keys import read_text_layout

    targets = []
    for text in family.text_parts:
        layers = text.used_layers(read_text_layout(_part(shapes, text.prefix)).layers)
        targets += text_targets(layers, part=text.part, lora_prefix=text.lora_prefix, path_prefix="")
    return targets


def _part(shapes: Shapes, prefix: str) -> dict[str, Sequence[int]]:
    return {key[len(prefix) :]: shape for key, shape in shapes.items() if key.startswith(prefix)}


def _blocks(targets: Iterable[Target]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(target.block for target in targets))
