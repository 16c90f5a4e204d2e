"""Pictures scaled down before they go over a slow line: never below what a training can use.

As the page does it in the browser (`ui/page/shrink.js`), with the same numbers. What a camera noted (EXIF, colours)
stays with the picture, so that what was decided about it still holds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

from ..data.pictures import MOST_PIXELS
from . import names
from .contents import Part

MARGIN = 1.5
"""The shorter side stays so many times the resolution: room for crops, borders and a higher resolution later."""
WORTH = 0.9
"""Pictures that would stay larger than this share of their sides are sent as they are."""
KINDS = {"JPEG": {"quality": 95}, "PNG": {}, "WEBP": {"quality": 95}}
MODES = ("RGB", "RGBA", "L", "LA")
"""What can be scaled as it is; palettes, CMYK and more than 8 bits are sent as they are."""


def least_side(resolution: int) -> int:
    """The shorter side in pixels below which no picture is scaled for a training at `resolution`."""
    return math.ceil(MARGIN * resolution / 8) * 8


def scaled(parts: Iterable[Part], scale_for: int) -> Iterable[Part]:
    """The parts with large pictures scaled down for a training at that resolution; as they are for 0."""
    return (shrunk(part, least_side(scale_for)) for part in parts) if scale_for else parts


def shrunk(part: Part, least: int) -> Part:
    """The part with its picture so small that the shorter side is `least` pixels; itself where that is not worth it.

    Also where the picture cannot be read: whoever gets it says what is wrong with it.
    """
    if not isinstance(part.source, Path) or not names.is_picture(part.name) or names.is_mask(part.name):
        return part
    try:
        data = _smaller(part.source, least)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return part
    return part if data is None or len(data) >= part.size else Part(PurePosixPath(part.name).as_posix(), data)


def _smaller(path: Path, least: int) -> bytes | None:
    """The picture's bytes at that size, in its own format; None where it stays as it is."""
    with Image.open(path, formats=[*KINDS]) as image:
        share = least / min(image.size)
        usual = image.mode in MODES and getattr(image, "n_frames", 1) == 1
        if share >= WORTH or not usual or image.width * image.height > MOST_PIXELS or image.format is None:
            return None
        size = max(least, round(image.width * share)), max(least, round(image.height * share))
        kept = {name: image.info[name] for name in ("exif", "icc_profile") if image.info.get(name)}
        small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        out = BytesIO()
        small.save(out, image.format, **KINDS[image.format], **kept)
        return out.getvalue()
