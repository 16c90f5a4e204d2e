"""Words on pictures, with whatever fonts the machine has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageFont

    Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

FONTS = ("DejaVuSans.ttf", "arial.ttf", "Arial.ttf", "Helvetica.ttc", "LiberationSans-Regular.ttf")
WIDE_FONTS = (
    "msyh.ttc",
    "simhei.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
)
"""Fonts with Chinese, Japanese and Korean letters, of Windows, macOS and Linux."""
BITMAP_HEIGHT = 11
"""Height of the letters of Pillow's built-in font, which has one size only, before Pillow 10.1."""


class Lettering:
    """Letters of one size in pixels, in a font that has those of `texts` where the machine has one."""

    def __init__(self, size: int, texts: Sequence[str]) -> None:
        self.size = size
        self._font, self._scale, self._latin_only = _font(
            size, all(ord(letter) < 0x2E80 for text in texts for letter in text)
        )
        self.line_height = round(size * 1.3)

    def width(self, text: str) -> int:
        return max((round(self._length(line) * self._scale) for line in text.split("\n")), default=0)

    def height(self, text: str) -> int:
        return self.line_height * len(text.split("\n"))

    def wrap(self, text: str, width: int, lines: int) -> str:
        """`text` broken between words (in them, where one is too long) to `width` pixels and so many `lines`."""
        broken = [part for line in text.split("\n") for part in self._broken(line, width)]
        if len(broken) > lines:
            broken = [*broken[: lines - 1], self._shortened(broken[lines - 1], width)]
        return "\n".join(broken)

    def write(self, page: Image.Image, place: tuple[int, int], text: str, colour: tuple[int, int, int]) -> None:
        """Write `text`, centred line under line, with the upper left corner of its box at `place`."""
        box = self.width(text)
        for number, line in enumerate(text.split("\n")):
            left = place[0] + (box - self.width(line)) // 2
            stencil = self._stencil(line)
            page.paste(colour, (left, place[1] + number * self.line_height), stencil)

    def _length(self, line: str) -> float:
        return self._font.getbbox(self._known(line))[2]

    def _known(self, line: str) -> str:
        """Before Pillow 10.1 the built-in font has Latin-1 only, and refuses everything else."""
        return line.encode("latin-1", "replace").decode("latin-1") if self._latin_only else line

    def _stencil(self, line: str) -> Image.Image:
        from PIL import Image, ImageDraw

        height = round(self.line_height / self._scale)
        stencil = Image.new("L", (max(1, round(self._length(line)) + 1), height), 0)
        ImageDraw.Draw(stencil).text((0, 0), self._known(line), font=self._font, fill=255)
        size = (round(stencil.width * self._scale), round(stencil.height * self._scale))
        return stencil if self._scale == 1 else stencil.resize(size, Image.Resampling.BICUBIC)

    def _broken(self, line: str, width: int) -> list[str]:
        lines = [""]
        for word in line.split(" "):
            longer = f"{lines[-1]} {word}" if lines[-1] else word
            if self.width(longer) <= width:
                lines[-1] = longer
                continue
            if lines[-1]:
                lines.append("")
            while self.width(word) > width and len(word) > 1:
                fitting = self._fitting(word, width)
                lines[-1] = word[:fitting]
                lines.append("")
                word = word[fitting:]
            lines[-1] = word
        return lines

    def _fitting(self, word: str, width: int) -> int:
        """How many letters of `word` fit into `width`, at least one."""
        return max((count for count in range(1, len(word)) if self.width(word[:count]) <= width), default=1)

    def _shortened(self, line: str, width: int) -> str:
        while line and self.width(line + "...") > width:
            line = line[:-1]
        return line + "..."


@lru_cache(maxsize=32)
def _font(size: int, latin: bool) -> tuple[Font, float, bool]:
    """A font, the factor by which its letters are to be enlarged to `size`, and whether it has Latin-1 only."""
    from PIL import ImageFont

    for name in FONTS if latin else (*WIDE_FONTS, *FONTS):
        try:
            return ImageFont.truetype(name, size), 1, False
        except (OSError, ImportError):  # ImportError: a Pillow without FreeType
            continue
    try:
        return ImageFont.load_default(size), 1, False
    except (TypeError, ImportError):  # TypeError: before Pillow 10.1
        return ImageFont.load_default(), size / BITMAP_HEIGHT, True
