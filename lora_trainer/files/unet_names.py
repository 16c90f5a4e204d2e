"""U-Net module names in LoRA files: diffusers' numbering of blocks and the original one, by tables per family.

Kohya's files name SD1 and SD2 as diffusers does and SDXL as the original does. Other tools write SDXL with diffusers'
names, of which the WebUI loses one upsampler.
"""

from __future__ import annotations

from functools import cache

from ..twin.lora_names import UNET_PREFIX, lora_name
from ..twin.unet_keys import SD1, SD2, SDXL, unet_modules

LAYOUTS = {"sd1": SD1, "sd2": SD2, "sdxl": SDXL}
ORIGINAL_NAMES = {"sd1": False, "sd2": False, "sdxl": True}
"""Whether kohya's files of a family have the original names."""


@cache
def unet_paths(family: str) -> dict[str, str]:
    """{name in a LoRA file, of either numbering: path in diffusers' U-Net}."""
    paths = {}
    for original, path in unet_modules(LAYOUTS[family]).items():
        paths[lora_name(UNET_PREFIX, original)] = path
        paths[lora_name(UNET_PREFIX, path)] = path
    return paths


@cache
def renumbered(family: str, original: bool) -> dict[str, str]:
    """{name of either numbering: the name of the wanted one}."""
    pairs = unet_modules(LAYOUTS[family]).items()
    table = {}
    for names in pairs:
        first, second = (lora_name(UNET_PREFIX, name) for name in names)
        table[first] = table[second] = first if original else second
    return table


def canonical(name: str, family: str) -> str:
    """A module's name as kohya's files of this family have it; names of no U-Net's module stay as they are."""
    return renumbered(family, ORIGINAL_NAMES[family]).get(name, name) if family in LAYOUTS else name
