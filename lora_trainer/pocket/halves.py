"""A new object: a disc of two halves, in two colours that the grammar has no name for."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import numpy as np

from lora_trainer.pocket.draw import UNIT, centre, draw
from lora_trainer.pocket.grammar import COLORS, PLACES, Scene

if TYPE_CHECKING:
    from PIL.Image import Image

MAGENTA, LIME = (225, 0, 125), (150, 235, 25)
RADIUS = 25.0
NEEDED = 0.72  # share of the disc's pixels that must have the right one of its colours
GROUNDS = tuple(color for color in COLORS if color not in ("pink", "purple"))  # those two are near to magenta


class Halves:
    """A disc with a magenta half on its left and a lime one on its right, on plain backgrounds. See `Novelty`."""

    word = "zorblat"
    steps = 300
    rate = 3e-3

    def example(self, number: int, rng: Random, size: int = 64) -> tuple[Image, str]:
        background = GROUNDS[number % len(GROUNDS)]
        place = "center" if number % 3 == 0 else rng.choice(PLACES)
        caption = f"a {self.word}, {background} background" + ("" if place == "center" else f", {place}")
        return draw_halves(background, place, rng.randrange(1 << 30), size), caption

    def prompts(self, count: int) -> list[str]:
        colors = tuple(COLORS)
        return [f"a {self.word}, {colors[number % len(colors)]} background" for number in range(count)]

    def shows(self, image: Image) -> bool:
        return halves_share(image) >= NEEDED


def draw_halves(background: str, place: str = "center", variation: int = 0, size: int = 64) -> Image:
    """Draws a large one on a plain background, as a `size` px RGB picture."""
    from PIL import Image, ImageDraw

    side = size * 4
    canvas = draw(Scene((), background, variation=variation), side)
    rng = Random(variation)
    scale = side / UNIT
    x, y = (c * scale + rng.uniform(-1, 1) * scale for c in centre(place, RADIUS))
    radius = RADIUS * scale * rng.uniform(0.95, 1.05)
    pen = ImageDraw.Draw(canvas)
    box = (x - radius, y - radius, x + radius, y + radius)
    pen.pieslice(box, 90, 270, fill=MAGENTA)  # degrees run clockwise from the right
    pen.pieslice(box, 270, 450, fill=LIME)
    return canvas.resize((size, size), Image.Resampling.BOX)


def halves_share(image: Image) -> float:
    """The largest share of a disc's pixels that have its colours in the right halves, over places and sizes."""
    marks = _marks(image)
    return max(_share(marks, x, y, radius) for x in range(20, 45, 3) for y in range(20, 45, 3) for radius in (14, 18))


def _marks(image: Image) -> np.ndarray:
    """+1 where a pixel is nearer to magenta than to any other colour, -1 for lime, else 0; (64, 64)."""
    from PIL import Image as Pillow

    small = image.convert("RGB").resize((UNIT, UNIT), Pillow.Resampling.BOX)
    pixels = np.asarray(small).astype(np.float32)
    palette = np.asarray([MAGENTA, LIME, *COLORS.values()], np.float32)
    nearest = np.linalg.norm(pixels[:, :, None] - palette, axis=-1).argmin(-1)
    return np.where(nearest == 0, 1, np.where(nearest == 1, -1, 0))


def _share(marks: np.ndarray, x: int, y: int, radius: int) -> float:
    window = marks[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]
    v, u = np.mgrid[max(0, y - radius) : min(UNIT, y + radius), max(0, x - radius) : min(UNIT, x + radius)] + 0.5
    inside = np.hypot(u - x, v - y) <= radius
    wanted = np.where(u < x, 1, -1)
    return float((window == wanted)[inside].mean())
