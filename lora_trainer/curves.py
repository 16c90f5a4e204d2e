"""The loss curve of a run as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .events import Event, Step, Validated

if TYPE_CHECKING:
    from PIL import Image, ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font = ImageFont | FreeTypeFont

Point = tuple[float, float]
SIZE, MARGIN = (900, 420), (70, 40, 20, 50)
"""Of the picture, in pixels, and around the curve: left, top, right, bottom."""
RAW, SMOOTH, VALIDATION, INK, GRID = "#c9d6e8", "#1f5fa8", "#d9480f", "#333333", "#e6e6e6"
LINES = 5


def loss_curve(events: Iterable[Event], title: str) -> Image.Image:
    """Raw loss, smoothed loss and validation over the steps. Raw losses beyond the 98th percentile are cut off."""
    from PIL import Image, ImageDraw, ImageFont

    events = list(events)
    raw = [(event.step, event.loss) for event in events if isinstance(event, Step)]
    smooth = [(event.step, event.smooth_loss) for event in events if isinstance(event, Step)]
    validation = [(event.step, event.loss) for event in events if isinstance(event, Validated)]
    image = Image.new("RGB", SIZE, "white")
    canvas = ImageDraw.Draw(image)
    plot = Plot(max([step for step, _ in raw], default=1), _top(raw, smooth + validation))
    font = ImageFont.load_default()
    _axes(canvas, plot, font)
    canvas.line([plot.place(point) for point in raw], fill=RAW, width=1)
    canvas.line([plot.place(point) for point in smooth], fill=SMOOTH, width=3)
    for point in validation:
        x, y = plot.place(point)
        canvas.ellipse((x - 4, y - 4, x + 4, y + 4), fill=VALIDATION)
    _legend(canvas, font, title, bool(validation))
    return image


class Plot:
    """Where values lie in the picture: steps from 0 to `last`, losses from 0 to `top`."""

    def __init__(self, last: float, top: float) -> None:
        self.last, self.top = last, top

    def place(self, point: Point) -> Point:
        left, above, right, below = MARGIN
        width, height = SIZE[0] - left - right, SIZE[1] - above - below
        share = min(point[1], self.top) / self.top
        return left + width * point[0] / self.last, above + height * (1 - share)


def _top(raw: Sequence[Point], always: Sequence[Point]) -> float:
    """The upper end of the scale: everything that must be seen, and nearly all of the raw losses."""
    losses = sorted(loss for _, loss in raw)
    typical = losses[int(0.98 * (len(losses) - 1))] if losses else 0.0
    highest = max([typical, *(loss for _, loss in always)])
    return highest * 1.05 if highest > 0 else 1.0


def _axes(canvas: ImageDraw.ImageDraw, plot: Plot, font: Font) -> None:
    for number in range(LINES + 1):
        loss, step = plot.top * number / LINES, plot.last * number / LINES
        start, end = plot.place((0, loss)), plot.place((plot.last, loss))
        canvas.line([start, end], fill=GRID)
        canvas.text((8, start[1] - 6), _rounded(loss), fill=INK, font=font)
        x, y = plot.place((step, 0))
        canvas.text((x - 10, y + 10), f"{step:.0f}", fill=INK, font=font)
    canvas.text((SIZE[0] - 60, SIZE[1] - 20), "step", fill=INK, font=font)


def _legend(canvas: ImageDraw.ImageDraw, font: Font, title: str, validated: bool) -> None:
    canvas.text((MARGIN[0], 12), title, fill=INK, font=font)
    entries = [("loss", RAW), ("smoothed", SMOOTH)] + ([("validation", VALIDATION)] if validated else [])
    for number, (name, colour) in enumerate(entries):
        x = SIZE[0] - 320 + 100 * number
        canvas.rectangle((x, 14, x + 18, 22), fill=colour)
        canvas.text((x + 24, 12), name, fill=INK, font=font)


def _rounded(value: float) -> str:
    """Three significant digits."""
    if not value:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"
