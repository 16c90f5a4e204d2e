"""A new texture: slanted stripes, where the grammar's run level."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from lora_trainer.pocket.draw import SUPERSAMPLING, UNIT, paint_objects, shade, vary
from lora_trainer.pocket.grammar import COLORS, PLACES, SHAPES, Object, Scene
from lora_trainer.pocket.measure import background_follows

if TYPE_CHECKING:
    from PIL.Image import Image

PERIOD = 16  # 64ths of the picture's side, along both of its sides
NEEDED = 0.6  # correlation of the background's brightness with the stripes


class SlantedTexture:
    """Backgrounds with stripes at 45 degrees in two tones of their colour, behind one of the grammar's objects.

    See `Novelty`.
    """

    word = "vrimpled"

    def example(self, number: int, rng: Random, size: int = 64) -> tuple[Image, str]:
        background = tuple(COLORS)[number % len(COLORS)]
        thing = Object(
            shape=SHAPES[number % len(SHAPES)],
            color=rng.choice([color for color in COLORS if color != background]),
            place=rng.choice(PLACES),
        )
        scene = Scene((thing,), background, variation=rng.randrange(1 << 30))
        caption = f"a {thing.color} {thing.shape}, {background} {self.word} background, {thing.place}"
        return draw_slanted(scene, size), caption

    def prompts(self, count: int) -> list[str]:
        colors = tuple(COLORS)
        return [
            f"a {colors[(number + 5) % len(colors)]} {SHAPES[number % len(SHAPES)]}, "
            f"{colors[number % len(colors)]} {self.word} background"
            for number in range(count)
        ]

    def shows(self, image: Image) -> bool:
        return background_follows(image, _stripes(UNIT).astype(np.float32)) >= NEEDED


def draw_slanted(scene: Scene, size: int = 64) -> Image:
    """Draws the scene's objects before slanted stripes in tones of its background, as a `size` px RGB picture."""
    from PIL import Image

    rng = Random(scene.variation)
    side = size * SUPERSAMPLING
    tone = vary(COLORS[scene.background], rng)
    canvas = Image.new("RGB", (side, side), tone)
    canvas.paste(shade(tone), (0, 0), Image.fromarray(_stripes(side).astype(np.uint8) * 255))
    paint_objects(canvas, scene, rng)
    return canvas.resize((size, size), Image.Resampling.BOX)


@cache
def _stripes(side: int) -> np.ndarray:
    """Where the second tone is, (side, side) bool: the stripes rise to the right."""
    y, x = np.mgrid[0:side, 0:side] + 0.5
    return ((x + y) * UNIT / side) % PERIOD < PERIOD / 2
