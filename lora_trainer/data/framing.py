"""Which part of a picture a run shows: turned, its border cut off, scaled to the bucket, and the crop placed in it."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from PIL import Image

from . import pixels
from .marks import WHOLE, Box, Marks
from .records import Picture, Size
from .vary import crop_position

if TYPE_CHECKING:
    from .pictures import Facts


def marked_size(facts: Facts, marks: Marks) -> Size:
    """The size (height, width) of what is left of a picture when its marks are obeyed."""
    height, width = facts.size
    if marks.orientation and (marks.orientation >= 5) != (facts.orientation >= 5):
        height, width = width, height
    if marks.border is None:
        return height, width
    left, top, right, bottom = marks.border.pixels((height, width))
    return bottom - top, right - left


def without_border(image: Image.Image, marks: Marks) -> Image.Image:
    """The part of an upright picture, or of its mask in any size, that its border leaves."""
    return image if marks.border is None else image.crop(marks.border.pixels(image.size[::-1]))


def scaled_size(picture: Picture) -> Size:
    """The size that the picture is scaled to before its crop is cut out: it covers the bucket, and a moved crop fits.

    A crop that is smaller than the bucket's largest window in the picture brings the picture nearer.
    """
    covering = pixels.scaled_size(picture.size, picture.bucket)
    crop = picture.marks.crop
    if crop is None:
        return covering
    (height, width), bucket = picture.size, picture.bucket
    nearer = min(
        Fraction(bucket[0] * WHOLE, crop.height * height), Fraction(bucket[1] * WHOLE, crop.width * width)
    )  # by which a pixel grows for the crop to fill the bucket on its longer side
    wanted = round(height * nearer), round(width * nearer)
    return wanted if wanted[0] >= covering[0] and wanted[1] >= covering[1] else covering


def corner(picture: Picture, crop: int) -> Size:
    """Top left corner (y, x) of crop number `crop` in the scaled picture. A crop that was moved is the only one."""
    scaled, bucket, moved = scaled_size(picture), picture.bucket, picture.marks.crop
    if moved is None:
        return pixels.crop_corner(scaled, bucket, crop_position(picture, crop))
    top = _placed(2 * moved.top + moved.height, scaled[0], bucket[0])
    left = _placed(2 * moved.left + moved.width, scaled[1], bucket[1])
    return top, left


def window(picture: Picture) -> Box:
    """What a run shows of the picture (upright, without its border) where crops are not at random places."""
    (height, width), (top, left), bucket = scaled_size(picture), corner(picture, 0), picture.bucket
    return Box(left * WHOLE // width, top * WHOLE // height, bucket[1] * WHOLE // width, bucket[0] * WHOLE // height)


def placed(window: Box, middle: tuple[float, float], nearer: float = 1.0) -> Box:
    """The window moved to a `middle` (x, y, in fractions of the picture) and kept inside.

    It is the largest of its shape, or `nearer` times smaller on its sides.
    """
    largest = max(window.width, window.height) * max(1.0, nearer)
    width, height = window.width / largest, window.height / largest
    left, top = (min(1 - side, max(0.0, at - side / 2)) for at, side in zip(middle, (width, height)))
    return Box.of([left, top, width, height])


def growth(picture: Picture) -> float:
    """How many times the picture is enlarged (below 1: reduced)."""
    scaled = picture.bucket if picture.marks.crop is None else scaled_size(picture)
    return max(scaled[0] / picture.size[0], scaled[1] / picture.size[1])


def _placed(centre: int, scaled: int, window: int) -> int:
    """Where a window begins whose middle is at `centre` (in half millionths of `scaled`), moved inside."""
    start = (centre * scaled - WHOLE * window + WHOLE) // (2 * WHOLE)
    return max(0, min(scaled - window, start))
