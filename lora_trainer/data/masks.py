"""Where in a picture the loss counts: by a mask beside it, `cat-mask.png` for `cat.jpg`, else by its transparency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from PIL import Image

from ..errors import DataError
from . import framing, pixels
from .pictures import UnreadablePicture, read
from .plan import Variant
from .records import Picture, Size

Cut = Callable[[Image.Image, Variant], Image.Image]
"""A picture of any size as the variant shows it: scaled, cut out and mirrored."""


@dataclass
class Masks:
    """The masks of variants, each made once and kept as a byte for each latent pixel."""

    pictures: Sequence[Picture]
    cut: Cut
    _made: dict[Variant, torch.Tensor | None] = field(default_factory=dict)

    def batch(self, variants: Sequence[Variant]) -> torch.Tensor | None:
        """(n, 1, h/8, w/8), fp32 in 0..1, for variants of one bucket; None when no picture of them has a mask.

        Raises DataError when a mask cannot be read.
        """
        masks = [self._of(variant) for variant in variants]
        if all(mask is None for mask in masks):
            return None
        height, width = self.pictures[variants[0].picture].bucket
        everywhere = torch.full((1, height // 8, width // 8), 255, dtype=torch.uint8)
        return torch.stack([everywhere if mask is None else mask for mask in masks]).float() / 255

    def _of(self, variant: Variant) -> torch.Tensor | None:
        if variant not in self._made:
            image = _read(self.pictures[variant.picture])
            self._made[variant] = None if image is None else _as_latent_bytes(self.cut(image, variant))
        return self._made[variant]


def _read(picture: Picture) -> Image.Image | None:
    """The mask (mode L) in its own size, white where the loss counts."""
    path = picture.mask or picture.path
    try:
        upright = read(path, 0 if picture.mask else picture.marks.orientation)
    except UnreadablePicture as error:
        raise DataError(f"The mask in '{path}' {error}. Mend or remove it, or set data.masks to false.") from error
    return upright.rgb.convert("L") if picture.mask else upright.alpha


def _as_latent_bytes(image: Image.Image) -> torch.Tensor:
    """(1, h/8, w/8) of a mask (h, w): the mean of each square of 8 x 8 pixels."""
    return F.avg_pool2d(pixels.mask_to_tensor(image), 8).mul(255).round().to(torch.uint8)


def cut_as(picture: Picture, corner: Size, flip: bool, image: Image.Image) -> Image.Image:
    """`image`, of any size, as a variant of `picture` shows it."""
    shown = framing.without_border(image, picture.marks)
    return pixels.cut(pixels.scale(shown, framing.scaled_size(picture)), corner, picture.bucket, flip)
