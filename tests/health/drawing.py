"""Pictures in which nothing is the matter, and what can be the matter with them."""

from __future__ import annotations

from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from lora_trainer.config import DataOptions, Folder

WORD, SIDE = "zorb", 256


def drawn(seed: int, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A clean drawing of a few shapes, another for each seed; `size` is (width, height)."""
    chance = Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(120, 256) for _ in range(3)))
    pen = ImageDraw.Draw(image)
    for number in range(9):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        w, h = chance.randrange(20, size[0] // 2), chance.randrange(20, size[1] // 2)
        shape = (pen.ellipse, pen.rectangle)[number % 2]
        shape([x - w // 2, y - h // 2, x + w // 2, y + h // 2], fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


def healthy_set(folder: Path, count: int = 10) -> Path:
    """So many different pictures, each with a caption of its own that has the trigger word in front."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        add(folder, f"{number}.png", drawn(number))
    return folder


def add(folder: Path, name: str, image: Image.Image, caption: str | None = "", **save: object) -> Path:
    """A picture with its caption: one of its own unless told, none for None."""
    path = folder / name
    image.save(path, **save)  # type: ignore[arg-type]
    if caption is not None:
        path.with_suffix(".txt").write_text(caption or f"{WORD}, drawing called {path.stem}", encoding="utf-8")
    return path


def options(folder: Path, **values: object) -> DataOptions:
    given = {"resolution": SIDE, "bucket_least": 64, "trigger_word": WORD, **values}
    return DataOptions(folders=[Folder(str(folder))], **given)  # type: ignore[arg-type]


def blurred(image: Image.Image, pixels: float = 3) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(pixels))


def framed(image: Image.Image, across: int, down: int, colour: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """With a border of `across` pixels left and right, and `down` above and below."""
    around = Image.new("RGB", (image.width + 2 * across, image.height + 2 * down), colour)
    around.paste(image, (across, down))
    return around
