from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lora_trainer.data import pictures
from lora_trainer.data.pixels import mask_to_tensor

from .drawing import BLUE, RED, draw


def colour_at(path, place):
    return pictures.read(path).rgb.getpixel(place)


def near(colour, expected, tolerance=3):
    return all(abs(one - other) <= tolerance for one, other in zip(colour, expected))


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "tif", "gif"])
def test_every_format_gives_the_same_colours(tmp_path, ending):
    path = draw(tmp_path / f"a.{ending}", (64, 80))
    assert pictures.inspect(path).size == (64, 80)
    assert near(colour_at(path, (70, 50)), RED, 6) and near(colour_at(path, (8, 8)), BLUE, 6)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "LA", "RGBA", "PA", "CMYK", "YCbCr", "I", "F", "I;16"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    ending = "jpg" if mode in ("CMYK", "YCbCr") else "tif" if mode in ("F", "I") else "png"
    if mode == "I;16":
        image = Image.fromarray(np.full((16, 16), 65535, dtype=np.uint16))
    elif mode == "F":
        image = Image.fromarray(np.ones((16, 16), dtype=np.float32))
    elif mode == "I":
        image = Image.fromarray(np.full((16, 16), 65535, dtype=np.int32))
    elif mode == "PA":
        image = Image.new("RGB", (16, 16), "white").convert("P")
        image.info["transparency"] = 0
    else:
        image = Image.new("RGB", (16, 16), "white").convert(mode)
    image.save(tmp_path / f"a.{ending}")
    upright = pictures.read(tmp_path / f"a.{ending}")
    assert upright.rgb.mode == "RGB" and upright.rgb.getpixel((3, 3)) == (255, 255, 255)


def test_16_bit_greyscale_is_scaled_and_not_clipped(tmp_path):
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(4, 0)
    Image.fromarray(ramp).save(tmp_path / "a.png")
    values = np.asarray(pictures.read(tmp_path / "a.png").rgb)[0, :, 0].astype(int)
    assert abs(values - np.linspace(0, 255, 64)).max() <= 1


def png_16_bit_rgb(colour):
    """A 4 x 4 PNG with 16 bits per channel, which Pillow cannot write."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + struct.pack(">3H", *colour) * 4 for _ in range(4))
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_16_bit_rgb_keeps_its_colours(tmp_path):
    (tmp_path / "a.png").write_bytes(png_16_bit_rgb((65535, 32768, 0)))
    assert near(colour_at(tmp_path / "a.png", (1, 1)), (255, 128, 0), 1)


def test_transparent_parts_are_white_and_the_alpha_is_kept(tmp_path):
    image = Image.new("RGBA", (8, 8), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 4, 8))
    image.save(tmp_path / "a.png")
    upright = pictures.read(tmp_path / "a.png")
    assert upright.rgb.getpixel((1, 1)) == (255, 255, 255) and upright.rgb.getpixel((6, 6)) == RED
    assert upright.alpha.getpixel((1, 1)) == 0 and upright.alpha.getpixel((6, 6)) == 255
    mask = mask_to_tensor(upright.alpha)
    assert mask.shape == (1, 8, 8) and mask.mean() == 0.5


def test_the_alpha_is_turned_with_its_picture(tmp_path):
    image = Image.new("RGBA", (8, 16), (*RED, 255))
    image.paste((0, 0, 0, 0), (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.png", exif=exif)
    alpha = pictures.read(tmp_path / "a.png").alpha
    assert alpha.size == (16, 8) and (alpha.getpixel((15, 4)), alpha.getpixel((0, 4))) == (0, 255)


def test_a_palette_with_a_transparent_colour_is_composed_on_white(tmp_path):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([0, 0, 0, *RED])
    image.paste(1, (4, 0, 8, 8))
    image.save(tmp_path / "a.png", transparency=0)
    assert colour_at(tmp_path / "a.png", (1, 1)) == (255, 255, 255) and colour_at(tmp_path / "a.png", (6, 1)) == RED


def test_an_opaque_alpha_channel_counts_as_none(tmp_path):
    Image.new("RGBA", (8, 8), (*RED, 255)).save(tmp_path / "a.png")
    assert pictures.read(tmp_path / "a.png").alpha is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_exif_orientation_is_applied(tmp_path, orientation, ending):
    """The upright picture is blue at the top left; it is stored turned the other way round."""
    upright = Image.open(draw(tmp_path / "upright.png", (32, 64)))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    stored.save(tmp_path / f"a.{ending}", exif=exif)
    path = tmp_path / f"a.{ending}"
    assert pictures.inspect(path).size == (32, 64)
    image = pictures.read(path).rgb
    assert image.size == (64, 32)
    assert near(image.getpixel((4, 4)), BLUE, 12)
    assert all(near(image.getpixel(place), RED, 12) for place in ((60, 4), (4, 28), (60, 28)))


def test_a_damaged_exif_block_is_no_obstacle(tmp_path):
    Image.new("RGB", (8, 8), RED).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff")
    assert pictures.inspect(tmp_path / "a.jpg").size == (8, 8)


def noisy(path, size=200):
    values = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "bmp", "tif", "gif"])
def test_a_truncated_picture_is_refused(tmp_path, ending):
    path = noisy(tmp_path / f"a.{ending}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for look in (pictures.inspect, pictures.read):
        with pytest.raises(pictures.UnreadablePicture, match=r"damaged|cut off"):
            look(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"<html>not found</html>", "not a picture"), (b"\x89PNG\r\n\x1a\n", "damaged")],
)
def test_what_is_no_picture_is_refused_with_the_reason(tmp_path, content, reason):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(pictures.UnreadablePicture, match=reason):
        pictures.inspect(tmp_path / "a.png")


def test_a_missing_picture_is_refused(tmp_path):
    with pytest.raises(pictures.UnreadablePicture, match="not there"):
        pictures.read(tmp_path / "a.png")


@pytest.mark.parametrize("host_limit", [None, 1000])
def test_a_decompression_bomb_is_refused_whatever_the_host_allows(tmp_path, monkeypatch, host_limit):
    header = struct.pack(">IIBBBBB", 60000, 60000, 1, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    data = zlib.compress(b"\0" * 1000)
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    body += struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", host_limit)
    with pytest.raises(pictures.UnreadablePicture, match="too many pixels"):
        pictures.inspect(tmp_path / "a.png")
