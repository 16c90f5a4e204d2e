"""The measures, on photographs and drawings: what is sharp is not called blurred, what differs not the same."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from lora_trainer.data.marks import Box
from lora_trainer.health.borders import border_of, inside
from lora_trainer.health.likeness import ALIKE, apart, fingerprint, groups_of_copies
from lora_trainer.health.sharpness import BLURRED, sharpness

from .drawing import blurred, drawn, framed

skimage = pytest.importorskip("skimage")
PHOTOGRAPHS = (
    "astronaut.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "grass.png",
)


def photograph(name):
    return Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")


def as_jpeg(image, quality):
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(BytesIO(buffer.getvalue())).convert("RGB")


def figure(pose):
    """The same drawn figure on white, with its arms elsewhere."""
    image = Image.new("RGB", (256, 256), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse([98, 40, 158, 100], fill=(250, 220, 190), outline="black")
    pen.rectangle([104, 100, 152, 200], fill=(60, 90, 200), outline="black")
    pen.line([104, 110, 50, 110 + pose], fill=(250, 220, 190), width=14)
    pen.line([152, 110, 206, 190 - pose], fill=(250, 220, 190), width=14)
    return image


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_is_sharp_also_as_jpeg_and_no_longer_when_it_was_blurred(name):
    image = photograph(name)
    assert min(sharpness(image), sharpness(as_jpeg(image, 60))) > 1.5 * BLURRED
    assert sharpness(blurred(image, 2)) < BLURRED


@pytest.mark.parametrize("seed", range(8))
def test_a_clean_drawing_is_sharp_however_few_its_edges_are(seed):
    assert sharpness(drawn(seed)) > 2 * BLURRED
    assert sharpness(blurred(drawn(seed), 2.5)) < BLURRED


def test_one_shape_on_a_plain_ground_is_sharp():
    image = Image.new("RGB", (256, 256), (240, 240, 240))
    ImageDraw.Draw(image).ellipse([80, 80, 120, 120], fill=(200, 40, 40))
    assert sharpness(image) > 2 * BLURRED and sharpness(blurred(image, 3)) < BLURRED


def test_a_sharp_subject_before_a_blurred_ground_is_sharp():
    image = photograph("astronaut.png")
    ground = blurred(image, 4)
    ground.paste(image.crop((150, 50, 300, 200)), (150, 50))
    assert sharpness(ground) > 2 * BLURRED


def test_a_plain_picture_is_neither():
    assert sharpness(Image.new("RGB", (64, 64), "teal")) is None
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 512).astype(np.uint8), (512, 1)))
    assert sharpness(ramp) == 0.0


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_has_no_border_until_it_gets_one(name):
    image = photograph(name)
    assert border_of(image) is None
    for across, down in ((0, 40), (50, 0), (20, 20)):
        box = border_of(as_jpeg(framed(image, across, down), 85))
        left, top, right, bottom = box.pixels((image.height + 2 * down, image.width + 2 * across))
        assert across <= left <= across + 6 and down <= top <= down + 6
        assert across + image.width - 6 <= right <= across + image.width
        assert down + image.height - 6 <= bottom <= down + image.height


def test_the_plain_margins_of_a_drawing_are_no_border():
    assert border_of(figure(0)) is None
    for seed in range(20):
        assert border_of(drawn(seed)) is None


@pytest.mark.parametrize("side", [64, 256])
@pytest.mark.parametrize("shape", ["ellipse", "polygon"])
def test_a_large_thing_on_a_plain_ground_has_no_border(side, shape):
    image = Image.new("RGB", (2 * side, 2 * side), (200, 60, 50))
    outline = [20, 70, 2 * side - 30, 2 * side - 40]
    corners = outline if shape == "ellipse" else [(side, 8), (2 * side - 8, side), (side, 2 * side - 8), (8, side)]
    getattr(ImageDraw.Draw(image), shape)(corners, fill=(60, 200, 90))
    assert border_of(image.resize((side, side), Image.Resampling.LANCZOS)) is None


def test_sky_above_and_ground_below_are_no_border():
    image = Image.new("RGB", (256, 256), (120, 180, 250))
    image.paste((60, 140, 60), (0, 190, 256, 256))
    ImageDraw.Draw(image).rectangle([60, 90, 150, 190], fill=(180, 60, 50))
    assert border_of(image) is None


def test_a_border_inside_a_border_is_a_part_of_the_whole():
    half = Box.of([0.25, 0.25, 0.5, 0.5])
    assert inside(half, half).fractions() == [0.375, 0.375, 0.25, 0.25]
    assert inside(None, half) == half


@pytest.mark.parametrize("image", [photograph("coffee.png"), photograph("chelsea.png"), drawn(5)], ids=["a", "b", "c"])
def test_a_copy_is_found_whatever_it_was_stored_as(image):
    half = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
    copies = [
        as_jpeg(image, 30),
        half,
        ImageEnhance.Brightness(image).enhance(1.1),
        ImageEnhance.Contrast(image).enhance(0.8),
    ]
    pictures = [image, photograph("astronaut.png"), *copies, drawn(6)]
    assert groups_of_copies([fingerprint(picture) for picture in pictures]) == [[0, 2, 3, 4, 5]]


def test_poses_of_one_figure_are_different_pictures():
    prints = [fingerprint(figure(pose)) for pose in (-40, 0, 40, 80)]
    distance = np.unpackbits(prints[1][0] ^ prints[2][0]).sum()
    assert distance <= 14 and apart(prints[1][1], prints[2][1]) > ALIKE  # the hash alone would call them copies
    assert groups_of_copies(prints) == []


def test_no_picture_at_all_has_no_copies():
    assert groups_of_copies([]) == []
