"""Reads a picture back into the grammar's words, from its pixels alone: no network judges what pocket draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lora_trainer.pocket.draw import RADII, TEXTURE_PAINTERS, UNIT, centre, paint_shape
from lora_trainer.pocket.grammar import COLORS, PLACES, PLAIN, SHAPES, TEXTURES, Object, Scene

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST_OBJECT = 30  # pixels of a 64 x 64 picture; less is a stain
STANDS_OUT = 40.0  # RGB distance from every tone of the background
FRAME = 48  # side of the frame in which shapes are compared, all scaled to one area
FRAME_AREA = 500.0


@dataclass(frozen=True)
class Share:
    """How many of `total` pictures have each property as their captions asked, as fractions of 1."""

    total: int
    color: float
    background: float
    shape: float
    size: float
    place: float
    texture: float

    @property
    def base_score(self) -> float:
        """The one number by which a base is compared with itself: the mean of colour, background and shape."""
        return (self.color + self.background + self.shape) / 3


def measure(image: Image, objects: int = 1) -> Scene:
    """Names what the picture shows: the background, and the largest `objects` shapes that stand out from it.

    Fewer objects are returned when fewer are seen. Two objects are ordered from left to right, or from the top down.
    """
    pixels = _pixels(image)
    background = _background(pixels)
    distance = _tone_distances(pixels)[tuple(COLORS).index(background)]
    found = []
    for part in _components(distance > STANDS_OUT)[:objects]:
        found.append(_name_object(pixels, distance, part))
    texture = _texture(pixels, _grown(distance > STANDS_OUT))
    return Scene(tuple(_in_reading_order(found)), background, texture)


def share_right(wanted: Sequence[Scene], images: Iterable[Image]) -> Share:
    """Compares pictures with the scenes that were asked for; of two objects both must be right."""
    hits = np.array([_compare(scene, measure(image, len(scene.objects))) for scene, image in zip(wanted, images)])
    color, background, shape, size, place, texture = hits.mean(0).tolist()
    return Share(len(hits), color, background, shape, size, place, texture)


def _compare(wanted: Scene, seen: Scene) -> tuple[bool, ...]:
    asked = _in_reading_order(list(wanted.objects))
    pairs = list(zip(asked, seen.objects)) if len(asked) == len(seen.objects) else []
    return (
        bool(pairs) and all(a.color == b.color for a, b in pairs),
        wanted.background == seen.background,
        bool(pairs) and all(a.shape == b.shape for a, b in pairs),
        bool(pairs) and all(a.size == b.size for a, b in pairs),
        bool(pairs) and all(a.place == b.place for a, b in pairs),
        wanted.texture == seen.texture,
    )


def _in_reading_order(objects: list[Object]) -> list[Object]:
    return sorted(objects, key=lambda thing: ("right" in thing.place) - ("left" in thing.place) + 3 * (
        ("bottom" in thing.place) - ("top" in thing.place)))  # fmt: skip


# --- colours ----------------------------------------------------------------------------------------------------


def _pixels(image: Image) -> np.ndarray:
    from PIL import Image as Pillow

    small = image.convert("RGB")
    if small.size != (UNIT, UNIT):
        small = small.resize((UNIT, UNIT), Pillow.Resampling.BOX)
    return np.asarray(small).astype(np.float32)


def _tone_distances(pixels: np.ndarray) -> np.ndarray:
    """RGB distance of each pixel (..., 3) to the tones of each named colour, (colours, ...).

    A colour's tones are the two lines from it towards the dark and the light shade that textures mix with it.
    """
    distances = []
    for color in COLORS.values():
        middle = np.asarray(color, np.float32)
        to_dark = _distance_to_line(pixels, middle, middle * 0.78)
        to_light = _distance_to_line(pixels, middle, middle + (255 - middle) * 0.28)
        distances.append(np.minimum(to_dark, to_light))
    return np.stack(distances)


def _distance_to_line(pixels: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    share = ((pixels - start) @ along / max(1e-6, float(along @ along))).clip(0, 1)
    return np.linalg.norm(pixels - start - share[..., None] * along, axis=-1)


def _background(pixels: np.ndarray) -> str:
    """The colour that most of the picture's border is a tone of."""
    border = np.concatenate([pixels[:2].reshape(-1, 3), pixels[-2:].reshape(-1, 3), pixels[2:-2, :2].reshape(-1, 3),
                             pixels[2:-2, -2:].reshape(-1, 3)])  # fmt: skip
    # A far pixel (an object at the border) counts no more than a clearly wrong one.
    return tuple(COLORS)[int(_tone_distances(border).clip(max=80).mean(1).argmin())]


def _name_color(pixels: np.ndarray) -> str:
    """The colour nearest to the median of the pixels (n, 3)."""
    middle = np.median(pixels, axis=0)
    return min(COLORS, key=lambda name: float(np.linalg.norm(middle - np.asarray(COLORS[name], np.float32))))


# --- shapes -----------------------------------------------------------------------------------------------------


def _components(mask: np.ndarray) -> list[np.ndarray]:
    """The connected parts of a mask (4 neighbours) as masks, the largest first; stains are left out."""
    left, parts = mask.copy(), []
    while left.any():
        part = np.zeros_like(mask)
        part[np.unravel_index(left.argmax(), left.shape)] = True
        while True:
            grown = _grown(part) & left
            if grown.sum() == part.sum():
                break
            part = grown
        left &= ~part
        if part.sum() >= SMALLEST_OBJECT:
            parts.append(part)
    return sorted(parts, key=lambda part: -int(part.sum()))


def _grown(mask: np.ndarray) -> np.ndarray:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _name_object(pixels: np.ndarray, distance: np.ndarray, part: np.ndarray) -> Object:
    inner = part & (distance >= np.percentile(distance[part], 40))  # without the blurred outline
    color = np.median(pixels[inner], axis=0)
    to_object = np.linalg.norm(pixels - color, axis=-1)
    # How much of a pixel the object covers, from how far it is on the way from the background's colour to its own.
    # The ends of that way count as its own tone or the background's: a faint mottle is neither hole nor stain.
    share = distance / (distance + to_object + 1e-6)
    cover = np.where(_grown(part), ((share - 0.3) / 0.4).clip(0, 1), 0.0)
    shape = _name_shape(cover)
    area, x, y = _moments(cover)
    unit_area, dx, dy = _unit_shape(shape)
    radius = math.sqrt(area / unit_area)
    size = min(RADII, key=lambda name: abs(math.log(RADII[name] / radius)))
    place = min(PLACES, key=lambda name: math.dist(centre(name, RADII[size]), (x - dx * radius, y - dy * radius)))
    return Object(shape, _name_color(pixels[inner]), size, place)


def _moments(cover: np.ndarray) -> tuple[float, float, float]:
    """Area and centre of gravity (x, y) of a cover map."""
    area = float(cover.sum())
    y, x = np.mgrid[0 : cover.shape[0], 0 : cover.shape[1]] + 0.5
    return area, float((cover * x).sum()) / area, float((cover * y).sum()) / area


def _name_shape(cover: np.ndarray) -> str:
    framed = _framed(cover)
    overlaps = {name: _overlap(framed, _template(name)) for name in SHAPES}
    return max(overlaps, key=lambda name: overlaps[name])


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two cover maps."""
    return float(np.minimum(a, b).sum() / np.maximum(a, b).sum())


def _framed(cover: np.ndarray) -> np.ndarray:
    """The cover map moved to the middle of a frame and scaled to one area, sampled bilinearly."""
    area, x, y = _moments(cover)
    scale = math.sqrt(area / FRAME_AREA)
    steps = (np.arange(FRAME) + 0.5 - FRAME / 2) * scale - 0.5
    return _sample(_sample(cover, steps + y).T, steps + x).T


def _sample(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    padded = np.pad(rows, ((1, 1), (0, 0)))
    at = (at + 1).clip(0, len(padded) - 1.001)
    low = at.astype(int)
    share = (at - low)[:, None]
    return padded[low] * (1 - share) + padded[low + 1] * share


@cache
def _drawn(shape: str) -> np.ndarray:
    from PIL import Image as Pillow

    mask = Pillow.new("L", (400, 400))
    paint_shape(mask, shape, (200, 200), 160)
    return np.asarray(mask.resize((100, 100), Pillow.Resampling.BOX)) / 255.0  # radius 40


@cache
def _template(shape: str) -> np.ndarray:
    return _framed(_drawn(shape))


@cache
def _unit_shape(shape: str) -> tuple[float, float, float]:
    """Area of the shape at radius 1, and where its centre of gravity lies from its middle."""
    area, x, y = _moments(_drawn(shape))
    return area / 1600, (x - 50) / 40, (y - 50) / 40


# --- textures ---------------------------------------------------------------------------------------------------


def _texture(pixels: np.ndarray, covered: np.ndarray) -> str:
    """The texture whose pattern the background's brightness follows, or plain."""
    free = ~covered
    brightness = pixels.mean(-1)[free]
    spread = brightness.std()
    if not free.any() or spread < 4:
        return PLAIN
    matches = {name: abs(_correlation(brightness, _pattern(name)[free])) for name in TEXTURES}
    best = max(matches, key=lambda name: matches[name])
    return best if matches[best] > 0.5 else PLAIN


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-6))


@cache
def _pattern(texture: str) -> np.ndarray:
    from PIL import Image as Pillow
    from PIL import ImageDraw

    canvas = Pillow.new("RGB", (UNIT * 4, UNIT * 4))
    TEXTURE_PAINTERS[texture](ImageDraw.Draw(canvas), (0, 0, 0), (255, 255, 255), 4)
    return np.asarray(canvas.resize((UNIT, UNIT), Pillow.Resampling.BOX).convert("L")).astype(np.float32)
