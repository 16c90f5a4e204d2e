"""What a picture's pixels say, from one decoding at reduced size, and remembered for each state of its file."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.framing import without_border
from ..data.marks import Box, Marks
from ..data.pictures import Facts, Upright, glance
from ..errors import DataError
from .borders import border_of, inside
from .likeness import fingerprint
from .sharpness import sharpness

MOST_REMEMBERED = 50_000
LEAST_SIDE = 256
SEEN_THROUGH = 128
"""Alpha below this is called transparent."""


@dataclass(frozen=True, eq=False)
class Look:
    """What one picture looks like; sharpness and fingerprint are those of the part inside a border.

    `clear` is the share of it that is transparent; `border` the part that a border leaves, None without one.
    """

    facts: Facts
    clear: float
    border: Box | None
    sharpness: float | None
    fingerprint: tuple[np.ndarray, np.ndarray]


class Looks:
    """Looks at pictures as their marks show them, at each state of a file once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], Look | DataError] = {}
        self._lock = threading.Lock()

    def __call__(self, path: Path, marks: Marks, side: int) -> Look:
        """`side` is that of the square at whose area sharpness is judged. Raises DataError as `pictures.read`."""
        side = max(side, LEAST_SIDE)
        try:
            facts = path.stat()
        except OSError:
            return look_at(path, marks, side)
        key = (path, facts.st_mtime_ns, facts.st_size, marks.orientation, marks.border, side)
        known = self._seen.get(key)
        if known is None:
            known = self._attempt(path, marks, side)
            self._remember(key, known)
        if isinstance(known, DataError):
            raise known
        return known

    def _attempt(self, path: Path, marks: Marks, side: int) -> Look | DataError:
        try:
            return look_at(path, marks, side)
        except DataError as error:
            return error

    def _remember(self, key: tuple[object, ...], look: Look | DataError) -> None:
        with self._lock:
            if len(self._seen) >= MOST_REMEMBERED:
                self._seen = dict(list(self._seen.items())[MOST_REMEMBERED // 2 :])
            self._seen[key] = look


def look_at(path: Path, marks: Marks, side: int) -> Look:
    """Decode a picture and measure it. Raises UnreadablePicture."""
    facts, upright = glance(path, side * side, marks.orientation)
    image = _at_area(without_border(upright.rgb, marks), side * side)
    border = border_of(image)
    content = image if border is None else without_border(image, replace(marks, border=border))
    return Look(
        facts,
        _clear(upright, marks),
        None if border is None else inside(marks.border, border),
        sharpness(content),
        fingerprint(content),
    )


def _at_area(image: Image.Image, area: int) -> Image.Image:
    """As large as a run shows it, but never enlarged: blur that a run scales away is none."""
    width, height = image.size
    part = (area / (width * height)) ** 0.5
    if part >= 1:
        return image
    size = max(1, round(width * part)), max(1, round(height * part))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _clear(upright: Upright, marks: Marks) -> float:
    if upright.alpha is None:
        return 0.0
    alpha = np.asarray(without_border(upright.alpha, marks))
    return float((alpha < SEEN_THROUGH).mean())
