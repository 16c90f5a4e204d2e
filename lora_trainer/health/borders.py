"""Borders around pictures: letterboxes, pillarboxes and frames of one colour.

A drawing on a plain ground has plain margins too, but no border. A border lies on opposite sides in one colour and
ends in a straight edge along most of a side, and what it surrounds reaches into its own corners: things on a ground
seldom do.

Measured on 218 photographs and drawings, and on 540 single shapes on a ground: of the first none is taken for one
with a border, of the second 5 (large boxes with slightly rounded corners). 44 pictures were given borders of 3, 10
and 20 % and stored as JPEG of quality 75: from 10 % on all are found, black and white ones but where a picture is
black or white at its edges itself; of thin ones, 348 of 396.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..data.marks import WHOLE, Box

AREA = 512 * 512
"""Pixels that are looked at; a border is found to within one of them."""
TOLERANCE = 14
"""Levels by which a plain line may vary: JPEG's ripples beside an edge."""
PLAIN = 0.01
"""Share of a line that may be of another colour."""
EDGE, NEXT_EDGE = 0.5, 0.15
"""Share of the line inside a border that is of another colour; less is asked for where a border on the other two sides
is sure, since what lies inside may be as dark as a frame."""
RIPPLE, MOST_RIPPLE = 0.03, 16
"""Share of the side, and lines, between the last plain one and that one: JPEG carries colours into a border."""
CORNER = 0.05
"""Share of the sides that is a corner."""
THINNEST, THICKEST = 0.01, 0.4
"""Of the side. A line of a pixel or two at an edge, as decoders leave it, is not worth a word."""


class Part(NamedTuple):
    """A part of a picture, in lines and columns: `bottom` and `right` are the first ones outside."""

    top: int
    bottom: int
    left: int
    right: int


def border_of(image: Image.Image) -> Box | None:
    """The part of an RGB picture inside its border; None when it has none."""
    values = np.asarray(_reduced(image), np.int16)
    height, width = values.shape[:2]
    if min(height, width) < 16:
        return None
    for first in (values[:2], values[:, :2].swapaxes(0, 1)):
        colour = np.median(first[0], axis=0).astype(np.int16)
        if _differs(first, colour).mean(1).max() <= PLAIN:  # in most pictures it is more
            other = _differs(values, colour)
            for part in _candidates(other):
                if found := _edges(other, part):
                    return _box(found, height, width)
    return None


def _candidates(other: np.ndarray) -> Iterator[Part]:
    """What a border may surround: between plain lines and columns, between plain lines, between plain columns."""
    height, width = other.shape
    top, bottom = _content(other.mean(1) > PLAIN)
    left, right = _content(other[top:bottom].mean(0) > PLAIN)
    across, down = _thick_enough(left, right, width), _thick_enough(top, bottom, height)
    if across and down:
        yield Part(top, bottom, left, right)
    if down:
        yield Part(top, bottom, 0, width)
    if across:
        yield Part(0, height, *_content(other.mean(0) > PLAIN))


def _edges(other: np.ndarray, part: Part) -> Part | None:
    """The part inside the straight edges near those of `part`; None where one is missing or a corner is plain."""
    height, width = other.shape
    shown = other[part.top : part.bottom, part.left : part.right]
    down = (_edge(shown, height), _edge(shown[::-1], height)) if part.top else None
    across = (_edge(shown.T, width), _edge(shown.T[::-1], width)) if part.left else None
    pairs = [pair for pair in (down, across) if pair]
    if not any(min(share for _, share in pair) >= EDGE for pair in pairs):
        return None
    if any(share < NEXT_EDGE for pair in pairs for _, share in pair) or not _fills_corners(shown):
        return None
    (top, _), (bottom, _) = down or ((0, 0.0), (0, 0.0))
    (left, _), (right, _) = across or ((0, 0.0), (0, 0.0))
    return Part(part.top + top, part.bottom - bottom, part.left + left, part.right - right)


def _edge(lines: np.ndarray, side: int) -> tuple[int, float]:
    """How many of the first lines belong to an edge with its ripples, and the share of the last that differs."""
    shares = lines[: 2 + min(MOST_RIPPLE, round(RIPPLE * side))].mean(1)
    steep = np.flatnonzero(shares >= EDGE)
    place = int(steep[0]) if steep.size else int(shares.argmax())
    return place + 1, float(shares[place])


def _fills_corners(shown: np.ndarray) -> bool:
    """Whether something is to be seen in each corner."""
    height, width = (math.ceil(CORNER * side) for side in shown.shape)
    corners = (shown[:height, :width], shown[:height, -width:], shown[-height:, :width], shown[-height:, -width:])
    return all(bool(corner.any()) for corner in corners)


def _content(mixed: np.ndarray) -> tuple[int, int]:
    """From the first to behind the last line that is not plain."""
    places = np.flatnonzero(mixed)
    return (int(places[0]), int(places[-1]) + 1) if places.size else (0, len(mixed))


def _thick_enough(first: int, end: int, side: int) -> bool:
    """Whether there are plain lines on both sides, and not too many."""
    least, most = max(2, math.ceil(THINNEST * side)), THICKEST * side
    return least <= first <= most and least <= side - end <= most


def _differs(values: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Where a picture is of another colour."""
    apart = abs(values - colour) > TOLERANCE
    return apart[..., 0] | apart[..., 1] | apart[..., 2]


def inside(outer: Box | None, inner: Box) -> Box:
    """`inner`, a part of the part `outer`, as a part of the whole."""
    if outer is None:
        return inner
    return Box(
        outer.left + inner.left * outer.width // WHOLE,
        outer.top + inner.top * outer.height // WHOLE,
        max(1, inner.width * outer.width // WHOLE),
        max(1, inner.height * outer.height // WHOLE),
    )


def _reduced(image: Image.Image) -> Image.Image:
    width, height = image.size
    part = (AREA / (width * height)) ** 0.5
    if part >= 1:
        return image
    return image.resize((max(1, round(width * part)), max(1, round(height * part))), Image.Resampling.BOX)


def _box(part: Part, height: int, width: int) -> Box:
    left, top = part.left * WHOLE // width, part.top * WHOLE // height
    return Box(left, top, (part.right - part.left) * WHOLE // width, (part.bottom - part.top) * WHOLE // height)
