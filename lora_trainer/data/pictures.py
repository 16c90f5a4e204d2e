"""Reading a picture: from the bytes of a file to how it is meant to be seen, or the reason why that cannot be."""

from __future__ import annotations

import functools
import hashlib
import math
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import DataError
from ..sentences import Sentence
from .reach import require_readable
from .records import Size

SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".jxl")
"""Endings taken for pictures. Not every Pillow reads the last three: they are named as unreadable then, not ignored."""

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "BMP", "DIB", "TIFF", "GIF", "AVIF", "HEIF", "JXL")
"""What Pillow may take a file for, whatever its ending says. Others are more than pictures: EPS starts Ghostscript."""

MOST_PIXELS = 178_956_970
"""More is taken for a decompression bomb: the limit at which Pillow itself refuses, whatever the host set it to."""

LARGE = 25_000_000
"""Pixels above which pictures are decoded one at a time: one of MOST_PIXELS takes 2 GB for a moment."""

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders are known to raise on damaged files."""

_one_large = threading.Lock()
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadablePicture(DataError):
    """A file is not a usable picture; the message is the reason alone, to be put behind the file's name."""


@dataclass(frozen=True)
class Facts:
    """What a file says of its picture: `size` after the EXIF `orientation`, `digest` the SHA-256 of its bytes."""

    size: Size
    digest: str
    orientation: int = 1


@dataclass(frozen=True)
class Upright:
    """A decoded picture as it is meant to be seen: RGB on white, and its alpha (mode L) when it has any."""

    rgb: Image.Image
    alpha: Image.Image | None
    digest: str


def inspect(path: Path) -> Facts:
    """Decode a picture as far as it takes to know that it is whole. Raises UnreadablePicture."""
    data = _read_bytes(path)
    try:
        image = _open(data, path)
        width, height = image.size
        image.draft(None, (max(1, width // 8), max(1, height // 8)))  # JPEG: skips most of the arithmetic
        with _its_turn(image):
            orientation = _load(image)
            _split(image.crop((0, 0, 1, 1)))  # whether it can be; all of it would take its memory three times over
        if image.format == "TIFF":  # older Pillows know its size only when it has been turned
            width, height = image.size
        if orientation >= 5:
            width, height = height, width
    except DECODER_ERRORS as error:
        raise _damaged(error) from error
    except MemoryError as error:
        raise _too_large(width, height) from error
    return Facts((height, width), hashlib.sha256(data).hexdigest(), orientation)


def read(path: Path, orientation: int = 0) -> Upright:
    """Decode a picture; an `orientation` (1 to 8) takes the place of the file's own. Raises UnreadablePicture."""
    data = _read_bytes(path)
    try:
        image = _open(data, path)
        with _its_turn(image):
            own = _load(image)
            rgb, alpha = _split(image)
    except DECODER_ERRORS as error:
        raise _damaged(error) from error
    return _turned(rgb, alpha, orientation or own, hashlib.sha256(data).hexdigest())


def glance(path: Path, area: int, orientation: int = 0) -> tuple[Facts, Upright]:
    """What `inspect` says, and the picture as `read` gives it, but as small as the decoder can make it above `area`.

    Of JPEG files, that is up to an eighth of their sides at a fraction of the time. Raises UnreadablePicture.
    """
    data = _read_bytes(path)
    try:
        image = _open(data, path)
        width, height = image.size
        part = min(1.0, (area / (width * height)) ** 0.5)
        image.draft(None, (math.ceil(width * part), math.ceil(height * part)))
        with _its_turn(image):
            own = _load(image)
            if image.format == "TIFF":
                width, height = image.size
            rgb, alpha = _split(image)
    except DECODER_ERRORS as error:
        raise _damaged(error) from error
    except MemoryError as error:
        raise _too_large(width, height) from error
    digest = hashlib.sha256(data).hexdigest()
    size = (width, height) if own >= 5 else (height, width)
    return Facts(size, digest, own), _turned(rgb, alpha, orientation or own, digest)


def _damaged(error: Exception) -> UnreadablePicture:
    return UnreadablePicture(Sentence("picture_damaged", "is damaged or cut off ({reason})", reason=str(error)))


def _too_large(width: int, height: int) -> UnreadablePicture:
    sentence = "is too large for this machine's memory ({width} x {height} pixels)"
    return UnreadablePicture(Sentence("picture_too_large", sentence, width=width, height=height))


def _turned(rgb: Image.Image, alpha: Image.Image | None, orientation: int, digest: str) -> Upright:
    turn = _TURNS.get(orientation)
    if turn is not None:
        rgb, alpha = rgb.transpose(turn), alpha and alpha.transpose(turn)
    return Upright(rgb, alpha, digest)


@functools.cache
def _formats() -> list[str]:
    """Those of FORMATS that this Pillow has a reader for."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _read_bytes(path: Path) -> bytes:
    """The whole file, so that nothing stays open while Pillow decodes it lazily."""
    try:
        require_readable(path)
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UnreadablePicture(Sentence("picture_gone", "is not there any more")) from error
    except PermissionError as error:
        raise UnreadablePicture(Sentence("picture_denied", "may not be read (permission denied)")) from error
    except OSError as error:
        reason = str(error.strerror or error)
        raise UnreadablePicture(Sentence("picture_unread", "cannot be read ({reason})", reason=reason)) from error
    if not data:
        raise UnreadablePicture(Sentence("picture_empty", "is empty (0 bytes)"))
    return data


def _open(data: bytes, path: Path) -> Image.Image:
    try:
        image = Image.open(BytesIO(data), formats=_formats())
    except Image.UnidentifiedImageError as error:
        raise UnreadablePicture(
            Sentence(
                "picture_unknown",
                "is damaged, or not a picture of a kind that can be read here ('{ending}'); convert it to PNG or JPEG",
                ending=path.suffix,
            )
        ) from error
    except Image.DecompressionBombError as error:
        raise UnreadablePicture(
            Sentence("picture_bomb", "has too many pixels; at most {most} are read", most=MOST_PIXELS)
        ) from error
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise UnreadablePicture(
            Sentence(
                "picture_pixels",
                "has too many pixels ({width} x {height}); at most {most} are read",
                width=width,
                height=height,
                most=MOST_PIXELS,
            )
        )
    return image


@contextmanager
def _its_turn(image: Image.Image) -> Iterator[None]:
    """Of large pictures only one at a time is held decoded, whoever looks at how many at once."""
    with _one_large if image.width * image.height > LARGE else nullcontext():
        yield


def _load(image: Image.Image) -> int:
    """Decode the picture. Gives the EXIF orientation that is left to apply, 1 (upright) if there is none to be read.

    Pillow turns TIFF files itself, and older ones still report the orientation afterwards.
    """
    image.load()
    if image.format == "TIFF":
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except DECODER_ERRORS:
        return 1


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Any mode as RGB composed on white, and the alpha channel if any of it is not opaque."""
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bit(image)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = image.convert("LA") if image.mode == "La" else image
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        rgb = Image.alpha_composite(white, image).convert("RGB")
        return rgb, None if alpha.getextrema() == (255, 255) else alpha
    return image.convert("RGB"), None


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Greyscale with more than 8 bits. Pillow's own conversion clips at 255 instead of scaling.

    Older versions read 16-bit PNG files as mode I (32 bits), so only values beyond 16 bits tell that there are more.
    """
    values = np.asarray(image)
    if image.mode == "F":
        values = values * (255.0 if float(values.max(initial=0.0)) <= 1.0 else 1.0)
    else:
        values = values / (257.0 if int(values.max(initial=0)) <= 0xFFFF else 257.0 * 65536 / 2)
    return Image.fromarray(np.nan_to_num(values).clip(0, 255).round().astype(np.uint8))
