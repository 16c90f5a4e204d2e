"""Small pictures for a page, made once."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image

from ..data.framing import without_border
from ..data.marks import NO_MARKS, Marks
from ..data.pictures import read
from ..files.atomic import replacing

SIDES = (96, 128, 192, 256, 384, 512, 768, 1024)
"""The sides that are made: a visitor who asks for every number between would fill the disk."""
QUALITY = 85


def thumbnail(picture: Path, side: int, cache: Path, marks: Marks = NO_MARKS) -> bytes:
    """The picture in a square of at least `side` pixels (at most the largest of SIDES), as JPEG.

    It is upright and without a border that was cut off. Raises UnreadablePicture.
    """
    side = next((known for known in SIDES if known >= side), SIDES[-1])
    file = cache / f"{_key(picture)}-{_look(marks)}{side}.jpg"
    try:
        return file.read_bytes()
    except OSError:
        data = _made(picture, side, marks)
    with replacing(file, durable=False) as out:
        out.write(data)
    return data


def forget(picture: Path, cache: Path) -> None:
    """Remove what was made of the picture as it is now."""
    for file in cache.glob(f"{_key(picture)}-*.jpg"):
        file.unlink(missing_ok=True)


def _made(picture: Path, side: int, marks: Marks) -> bytes:
    image = without_border(read(picture, marks.orientation).rgb, marks)
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _look(marks: Marks) -> str:
    """Another name for another look: empty where nothing was decided about it."""
    shown = (marks.orientation, marks.border)
    return "" if shown == (0, None) else hashlib.sha256(repr(shown).encode()).hexdigest()[:8] + "-"


def _key(picture: Path) -> str:
    """Another name for another content: the path, time and size of the file."""
    try:
        facts = picture.stat()
        changed = f"{facts.st_mtime_ns}:{facts.st_size}"
    except OSError:
        changed = ""
    return hashlib.sha256(f"{picture}:{changed}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
