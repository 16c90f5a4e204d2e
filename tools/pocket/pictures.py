"""Pictures that the autoencoder learns from: the grammar's own, and many that the grammar could never draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from lora_trainer.pocket.draw import draw
from lora_trainer.pocket.grammar import random_scene

SIDE = 64
Photographs = list[Image.Image]


def picture_pool(count: int, seed: int, grammar_share: float = 0.6) -> np.ndarray:
    """Returns `count` pictures as (count, 64, 64, 3) uint8; the same ones from the same seed and packages."""
    rng = Random(seed)
    photographs = load_photographs()
    pool = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for i in range(count):
        if rng.random() < grammar_share:
            picture = draw(random_scene(rng, rng.choice((1, 1, 2)), None), SIDE)
        else:
            picture = _foreign(rng, photographs)
        pool[i] = np.asarray(picture)
    return pool


def load_photographs() -> Photographs:
    """The photographs that the package scikit-image carries; nothing is fetched."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    files = sorted(file for file in folder.iterdir() if file.suffix in (".png", ".jpg"))
    photographs = []
    for file in files:
        photograph = Image.open(file).convert("RGB")
        if min(photograph.size) >= 150:
            photographs.append(photograph)
    if not photographs:
        raise RuntimeError("No photographs were found in the package scikit-image.")
    return photographs


def to_tensor(images: Sequence[Image.Image]) -> torch.Tensor:
    """Pictures as (n, 3, height, width) in -1 ... 1, channels last in memory, as convolutions are fastest."""
    return torch.from_numpy(np.stack([np.asarray(image) for image in images])).permute(0, 3, 1, 2).float() / 127.5 - 1


def _foreign(rng: Random, photographs: Photographs) -> Image.Image:
    if rng.random() < 0.4:
        return _photograph(rng, photographs)
    ground = rng.choice(GROUNDS)(rng)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 5))):
        mask = rng.choice(MARKS)(rng)
        if rng.random() < 0.25:
            ground.paste(rng.choice(GROUNDS)(rng), (0, 0), mask)
        else:
            ground.paste(_color(rng), (0, 0), mask)
    side = SIDE * 2
    return ground.resize((SIDE, SIDE), Image.Resampling.BOX) if ground.width == side else ground


def _color(rng: Random) -> tuple[int, int, int]:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


def _photograph(rng: Random, photographs: Photographs) -> Image.Image:
    photograph = rng.choice(photographs)
    side = int(min(photograph.size) * math.exp(rng.uniform(math.log(0.2), 0.0)))
    x, y = rng.randint(0, photograph.width - side), rng.randint(0, photograph.height - side)
    crop = photograph.resize((SIDE, SIDE), Image.Resampling.BOX, (x, y, x + side, y + side))
    if rng.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:  # other colours: permuted channels
        bands = list(crop.split())
        rng.shuffle(bands)
        crop = Image.merge("RGB", bands)
    return crop


# --- grounds of 128 x 128, reduced to 64 for antialiasing ----------------------------------------------------------


def _flat(rng: Random) -> Image.Image:
    return Image.new("RGB", (SIDE * 2,) * 2, _color(rng))


def _corners(rng: Random, corners: int = 2) -> Image.Image:
    """A smooth field of colours, from a few random ones."""
    small = Image.new("RGB", (corners, corners))
    small.putdata([_color(rng) for _ in range(corners * corners)])
    return small.resize((SIDE * 2,) * 2, Image.Resampling.BICUBIC)


def _blobs(rng: Random) -> Image.Image:
    return _corners(rng, rng.choice((3, 4, 6, 8)))


def _noise(rng: Random) -> Image.Image:
    noise = np.random.default_rng(rng.randrange(1 << 31)).normal(0, rng.uniform(4, 40), (SIDE * 2, SIDE * 2, 3))
    field = np.asarray(_corners(rng), np.float32) + noise
    return Image.fromarray(field.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 3)))


def _waves(rng: Random) -> Image.Image:
    """Stripes, checks or rings of two colours, at any angle and period, hard or soft."""
    y, x = np.mgrid[0 : SIDE * 2, 0 : SIDE * 2].astype(np.float32)
    angle, period = rng.uniform(0, math.pi), rng.uniform(8, 64)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    kind = rng.randrange(3)
    if kind == 0:
        wave = np.sin(along * math.tau / period)
    elif kind == 1:
        wave = np.sin(along * math.tau / period) * np.sin(across * math.tau / period)
    else:
        wave = np.sin(np.hypot(x - rng.uniform(0, 128), y - rng.uniform(0, 128)) * math.tau / period)
    mix = (0.5 + 0.5 * np.clip(wave * rng.choice((1.0, 3.0, 20.0)), -1, 1))[..., None]
    blend = np.float32(_color(rng)) * mix + np.float32(_color(rng)) * (1 - mix)
    return Image.fromarray(blend.clip(0, 255).astype(np.uint8))


GROUNDS: tuple[Callable[[Random], Image.Image], ...] = (_flat, _flat, _corners, _blobs, _noise, _waves, _waves)


# --- marks: masks of the same size ---------------------------------------------------------------------------------


def _polygon(rng: Random) -> Image.Image:
    mask = Image.new("L", (SIDE * 2,) * 2)
    x, y, radius = rng.uniform(20, 108), rng.uniform(20, 108), rng.uniform(10, 50)
    corners, start = rng.randint(3, 9), rng.uniform(0, math.tau)
    turns = [start + math.tau * i / corners for i in range(corners)]
    lengths = [radius * rng.uniform(0.4, 1.0) for _ in turns]
    outline = [(x + r * math.cos(t), y + r * math.sin(t)) for t, r in zip(turns, lengths)]
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return mask


def _ellipse(rng: Random) -> Image.Image:
    mask = Image.new("L", (SIDE * 2,) * 2)
    x, y, a, b = rng.uniform(0, 128), rng.uniform(0, 128), rng.uniform(4, 44), rng.uniform(4, 44)
    width = rng.choice((0, 0, rng.randint(3, 14)))
    pen = ImageDraw.Draw(mask)
    pen.ellipse((x - a, y - b, x + a, y + b), fill=0 if width else 255, outline=255, width=width or 1)
    return mask


def _strokes(rng: Random) -> Image.Image:
    mask = Image.new("L", (SIDE * 2,) * 2)
    pen = ImageDraw.Draw(mask)
    for _ in range(rng.randint(1, 4)):
        points = [(rng.uniform(0, 128), rng.uniform(0, 128)) for _ in range(rng.randint(2, 4))]
        pen.line(points, fill=255, width=rng.randint(3, 14), joint="curve")
    return mask


def _letters(rng: Random) -> Image.Image:
    small = Image.new("L", (48, 48))
    text = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVXYZ0123456789?!&") for _ in range(rng.choice((1, 2, 4))))
    ImageDraw.Draw(small).text((rng.randint(0, 12), rng.randint(0, 24)), text, fill=255, font=ImageFont.load_default())
    zoom = rng.uniform(24, 48)
    return small.resize((SIDE * 2,) * 2, Image.Resampling.BICUBIC, (0, 0, zoom, zoom))


MARKS: tuple[Callable[[Random], Image.Image], ...] = (_polygon, _polygon, _ellipse, _ellipse, _strokes, _letters)
