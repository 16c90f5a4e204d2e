"""Draws the scenes of the grammar: antialiased, and always the same picture from the same scene."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from lora_trainer.pocket.grammar import COLORS, PLAIN, Object, Scene

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Color = tuple[int, int, int]
Point = tuple[float, float]

UNIT = 64  # the lengths below are 64ths of the picture's side
RADII = {"small": 13.0, "medium": 18.0, "large": 24.0}
SUPERSAMPLING = 4


def draw(scene: Scene, size: int = 64) -> Image:
    """Draws the scene as an RGB picture of `size` x `size` pixels."""
    from PIL import Image, ImageDraw

    rng = Random(scene.variation)
    scale = size * SUPERSAMPLING / UNIT
    canvas = Image.new("RGB", (size * SUPERSAMPLING,) * 2)
    ground = vary(COLORS[scene.background], rng)
    TEXTURE_PAINTERS[scene.texture](ImageDraw.Draw(canvas), ground, shade(ground), scale)
    for thing in scene.objects:
        color = vary(COLORS[thing.color], rng)
        mask = _object_mask(thing, rng, size * SUPERSAMPLING)
        canvas.paste(color, (0, 0), mask)
    return canvas.resize((size, size), Image.Resampling.BOX)


def vary(color: Color, rng: Random) -> Color:
    """A tone near to the colour."""
    r, g, b = (min(255, max(0, c + rng.randint(-8, 8))) for c in color)
    return r, g, b


def shade(color: Color) -> Color:
    """The second colour of a texture: dark colours lightened, light ones darkened, always the same name."""
    luma = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    target, amount = (255, 0.28) if luma < 110 else (0, 0.22)
    r, g, b = (round(c + (target - c) * amount) for c in color)
    return r, g, b


# --- shapes -----------------------------------------------------------------------------------------------------


def centre(place: str, radius: float) -> Point:
    """Where an object of that radius stands: a third of the picture away from the middle, or as far as it fits."""
    offset = min(16.0, UNIT / 2 - 2 - radius)
    dx = (-1 if "left" in place else 0) + (1 if "right" in place else 0)
    dy = (-1 if "top" in place else 0) + (1 if "bottom" in place else 0)
    return UNIT / 2 + dx * offset, UNIT / 2 + dy * offset


def _object_mask(thing: Object, rng: Random, side: int) -> Image:
    from PIL import Image

    radius = RADII[thing.size] * rng.uniform(0.97, 1.03)
    x, y = centre(thing.place, RADII[thing.size])
    x, y = x + rng.uniform(-1.2, 1.2), y + rng.uniform(-1.2, 1.2)
    mask = Image.new("L", (side, side), 0)
    scale = side / UNIT
    paint_shape(mask, thing.shape, (x * scale, y * scale), radius * scale, math.radians(rng.uniform(-4, 4)))
    return mask


def paint_shape(mask: Image, shape: str, middle: Point, radius: float, angle: float = 0.0) -> None:
    """Paints the shape white into a mask of mode L; `middle` and `radius` in its pixels, `angle` in radians."""
    from PIL import ImageDraw

    pen = ImageDraw.Draw(mask)
    if shape in OUTLINES:
        pen.polygon([_turn(point, middle, radius, angle) for point in OUTLINES[shape]], fill=255)
    elif shape == "ring":
        _disc(pen, middle, radius, 255)
        _disc(pen, middle, radius * 0.52, 0)
    else:  # the moon: a disc with a bite taken out of its right side
        _disc(pen, middle, radius, 255)
        _disc(pen, _turn((0.55, -0.15), middle, radius, angle), radius * 0.8, 0)


def _disc(pen: ImageDraw, middle: Point, radius: float, fill: int) -> None:
    x, y = middle
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _turn(point: Point, middle: Point, radius: float, angle: float) -> Point:
    cos, sin = math.cos(angle) * radius, math.sin(angle) * radius
    return middle[0] + point[0] * cos - point[1] * sin, middle[1] + point[0] * sin + point[1] * cos


def _regular(corners: int, radii: Sequence[float] = (1.0,), start: float = -90.0) -> list[Point]:
    """Corners at even angles, clockwise from the top, at distances that take turns."""
    points = []
    for i in range(corners):
        angle, r = math.radians(start + 360 * i / corners), radii[i % len(radii)]
        points.append((r * math.cos(angle), r * math.sin(angle)))
    return points


def _heart() -> list[Point]:
    # The usual heart curve (16 sin^3 t, 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t), scaled to radius 1.
    turns = [math.tau * i / 60 for i in range(60)]
    heights = [13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) for t in turns]
    return [(math.sin(t) ** 3, -(h + 2.5) / 15.5) for t, h in zip(turns, heights)]


OUTLINES: dict[str, list[Point]] = {
    "circle": _regular(72),
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": [(0.0, -1.0), (1.0, 0.85), (-1.0, 0.85)],
    "diamond": [(0.0, -1.05), (0.8, 0.0), (0.0, 1.05), (-0.8, 0.0)],
    "star": _regular(10, (1.1, 0.46)),
    "cross": [
        (-0.32, -1), (0.32, -1), (0.32, -0.32), (1, -0.32), (1, 0.32), (0.32, 0.32),
        (0.32, 1), (-0.32, 1), (-0.32, 0.32), (-1, 0.32), (-1, -0.32), (-0.32, -0.32),
    ],
    "heart": _heart(),
}  # fmt: skip


# --- backgrounds ------------------------------------------------------------------------------------------------


def _plain(pen: ImageDraw, color: Color, second: Color, scale: float) -> None:
    pen.rectangle((0, 0, UNIT * scale, UNIT * scale), fill=color)


def _striped(pen: ImageDraw, color: Color, second: Color, scale: float) -> None:
    _plain(pen, color, second, scale)
    for y in range(0, UNIT, 16):
        pen.rectangle((0, y * scale, UNIT * scale, (y + 8) * scale - 1), fill=second)


def _checkered(pen: ImageDraw, color: Color, second: Color, scale: float) -> None:
    _plain(pen, color, second, scale)
    for y in range(0, UNIT, 16):
        for x in range(y % 32, UNIT, 32):
            pen.rectangle((x * scale, y * scale, (x + 16) * scale - 1, (y + 16) * scale - 1), fill=second)


def _dotted(pen: ImageDraw, color: Color, second: Color, scale: float) -> None:
    _plain(pen, color, second, scale)
    for y in range(8, UNIT, 16):
        for x in range(8, UNIT, 16):
            pen.ellipse([c * scale for c in (x - 4, y - 4, x + 4, y + 4)], fill=second)


def _shaded(pen: ImageDraw, color: Color, second: Color, scale: float) -> None:
    side = round(UNIT * scale)
    for y in range(side):
        r, g, b = (round(a + (b - a) * y / (side - 1)) for a, b in zip(color, second))
        pen.line((0, y, side, y), fill=(r, g, b))


TEXTURE_PAINTERS: dict[str, Callable[[ImageDraw, Color, Color, float], None]] = {
    PLAIN: _plain,
    "striped": _striped,
    "dotted": _dotted,
    "checkered": _checkered,
    "shaded": _shaded,
}
