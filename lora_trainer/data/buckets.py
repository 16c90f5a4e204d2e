"""Aspect-ratio buckets: sizes of about equal area in different shapes, so that little of a picture is cut off.

All arithmetic is on whole numbers, so that a picture's bucket is the same on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from ..config import DataOptions
from ..errors import DataError
from ..sentences import Sentence
from .records import Size

LATENT_PIXEL = 8
"""Side of the square of pixels that the VAE turns into one latent value."""


@dataclass(frozen=True)
class Buckets:
    """The rule that gives each picture the size it is trained at.

    `step`, `least` and `most` bound the sides; `square` leaves only one shape; without `upscale` no picture grows.
    """

    resolution: int
    step: int = 64
    least: int = 256
    most: int = 2048
    square: bool = False
    upscale: bool = True

    @classmethod
    def from_options(cls, data: DataOptions) -> Buckets:
        """The rule that the options ask for, with bounds that the resolution can meet.

        A least side that is not below the resolution would leave the square as the only shape (or none): half of the
        resolution takes its place.
        """
        step = LATENT_PIXEL if not data.buckets else data.bucket_step
        step = _down(min(step, data.resolution), LATENT_PIXEL)
        least = data.bucket_least if data.bucket_least < data.resolution else data.resolution // 2
        least = max(step, _down(least, step))
        most = max(_down(data.bucket_most, step), _down(data.resolution, step))
        return cls(data.resolution, step, least, most, not data.buckets, data.upscale)

    def sizes(self) -> list[Size]:
        """All buckets, smallest height first: to each side the longest other side within the area."""
        if self.square:
            return [(side := _down(self.resolution, self.step), side)]
        area = self.resolution**2
        found: set[Size] = set()
        for side in range(self.least, self.most + 1, self.step):
            other = min(self.most, area // side // self.step * self.step)
            if other >= self.least:
                found |= {(side, other), (other, side)}
        return sorted(found)

    def choose(self, size: Size) -> Size:
        """The bucket of a picture of `size` (height, width).

        Raises DataError when the picture is too small and may not be scaled up; the message fits behind its name.
        """
        if not self.upscale:
            return self._inside(size)
        return min(self.sizes(), key=lambda bucket: (_stretch(size, bucket), -bucket[0] * bucket[1], bucket))

    def _inside(self, size: Size) -> Size:
        """The largest bucket of nearly the picture's own shape that lies inside the picture and the area."""
        shortest = min(size)
        if shortest < self.least:
            raise DataError(
                Sentence(
                    "picture_too_small",
                    "is too small: {width} x {height} pixels, but the shortest side must have {least} "
                    "(turn on data.upscale, or lower data.bucket_least)",
                    width=size[1],
                    height=size[0],
                    least=self.least,
                )
            )
        if self.square:
            side = _down(min(self.resolution, shortest), self.step)
            return (side, side)
        area = self.resolution**2
        short, long = shortest, max(size)
        if short * long > area:
            short, long = isqrt(area * short // long), isqrt(area * long // short)
        short = max(self.least, _down(short, self.step))
        long = max(short, _down(min(long, area // short, self.most), self.step))
        return (short, long) if size[0] <= size[1] else (long, short)


def _down(value: int, step: int) -> int:
    """`value` rounded down to a multiple of `step`, but at least one step."""
    return max(step, value // step * step)


def _stretch(size: Size, bucket: Size) -> Fraction:
    """How far two shapes are apart: the quotient of their aspect ratios, 1 when they are the same."""
    one, other = size[0] * bucket[1], size[1] * bucket[0]
    return Fraction(max(one, other), min(one, other))
