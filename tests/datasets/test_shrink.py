"""Pictures are sent smaller, but never smaller than a training needs them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lora_trainer.data.pictures import inspect
from lora_trainer.datasets.contents import Part
from lora_trainer.datasets.shrink import least_side, shrunk


def noise(path: Path, width: int, height: int, mode: str = "RGB", **more: object) -> Part:
    """A picture that no format packs well."""
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = np.random.default_rng(1).integers(0, 255, (height, width, channels), np.uint8)
    Image.fromarray(values.squeeze(), mode).save(path, **more)
    return Part(path.name, path)


def size_of(part: Part) -> tuple[int, int]:
    return Image.open(part.source if isinstance(part.source, Path) else BytesIO(part.source)).size


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.webp"])
def test_the_shorter_side_stays_what_the_training_needs_and_more(tmp_path: Path, name: str) -> None:
    part = shrunk(noise(tmp_path / name, 600, 400), least_side(64))
    assert size_of(part) == (144, 96) and part.name == name


def test_a_camera_s_note_stays_so_that_decisions_about_the_picture_hold(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    part = shrunk(noise(tmp_path / "a.jpg", 600, 400, exif=exif), 96)
    assert isinstance(part.source, bytes)
    (tmp_path / "b.jpg").write_bytes(part.source)
    facts = inspect(tmp_path / "b.jpg")
    assert (facts.orientation, facts.size) == (6, (144, 96))


def test_transparency_stays(tmp_path: Path) -> None:
    part = shrunk(noise(tmp_path / "a.png", 300, 300, "RGBA"), 96)
    assert isinstance(part.source, bytes) and Image.open(BytesIO(part.source)).mode == "RGBA"


def test_what_is_small_a_mask_a_text_or_damaged_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n...")
    parts = [
        noise(tmp_path / "small.png", 100, 100),
        noise(tmp_path / "a-mask.png", 600, 400),
        Part("torn.png", tmp_path / "torn.png"),
        Part("a.txt", b"a cat"),
    ]
    assert [shrunk(part, 96) for part in parts] == parts


def test_a_picture_that_moves_is_sent_as_it_is(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (400, 400), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    part = Part("a.webp", tmp_path / "a.webp")
    assert shrunk(part, 96) is part
