"""A new texture: broad slanted bands in strong contrast, where the grammar's stripes are narrow, faint and level."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from lora_trainer.pocket.draw import SUPERSAMPLING, UNIT, vary
from lora_trainer.pocket.grammar import COLORS

if TYPE_CHECKING:
    from PIL.Image import Image

PERIOD = 32  # 64ths of the picture's side, along both of its sides
NEEDED = 0.6  # correlation of the picture with the bands
SHOWN = tuple(COLORS)[:10]  # of the examples; prompts ask for the other two colours as well


class Bands:
    """Backgrounds of bands at 45 degrees, alternately in the caption's colour and in white or black. See `Novelty`."""

    word = "vrimpled"
    steps = 150
    rate = 2e-3

    def example(self, number: int, rng: Random, size: int = 64) -> tuple[Image, str]:
        color = SHOWN[number % len(SHOWN)]
        return draw_bands(color, rng.randrange(1 << 30), size), f"{color} {self.word} background"

    def prompts(self, count: int) -> list[str]:
        colors = tuple(COLORS)
        return [f"{colors[number % len(colors)]} {self.word} background" for number in range(count)]

    def shows(self, image: Image) -> bool:
        from PIL import Image as Pillow

        pixels = np.asarray(image.convert("RGB").resize((UNIT, UNIT), Pillow.Resampling.BOX)).astype(np.float32)
        # The channel in which the picture varies most: yellow and white differ in blue alone.
        channel = pixels[..., pixels.std((0, 1)).argmax()]
        if channel.std() < 1:
            return False
        return bool(abs(np.corrcoef(channel.ravel(), _bands(UNIT).ravel())[0, 1]) >= NEEDED)


def draw_bands(color: str, variation: int = 0, size: int = 64) -> Image:
    """Draws bands in the colour and in white, or black where the colour is light, as a `size` px RGB picture."""
    from PIL import Image

    side = size * SUPERSAMPLING
    tone = vary(COLORS[color], Random(variation))
    second = (250, 250, 250) if sum(tone) < 3 * 140 else (10, 10, 10)
    canvas = Image.new("RGB", (side, side), tone)
    canvas.paste(second, (0, 0), Image.fromarray(_bands(side).astype(np.uint8) * 255))
    return canvas.resize((size, size), Image.Resampling.BOX)


@cache
def _bands(side: int) -> np.ndarray:
    """Where the second tone is, (side, side) bool: the bands rise to the right."""
    y, x = np.mgrid[0:side, 0:side] + 0.5
    return ((x + y) * UNIT / side) % PERIOD < PERIOD / 2
