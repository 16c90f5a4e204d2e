"""Pictures as vision models want them: scaled, cut or padded, and normalised, by Pillow and numpy alone.

The same arithmetic as open_clip's transforms on Pillow pictures, which need a torchvision built for this torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..data.records import Size

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Preprocessing:
    """How a model saw its pictures. `size` is (height, width).

    `resize_mode`: 'shortest' covers the size and cuts the rest away, 'squash' changes the shape, 'longest' fits the
    whole picture in and fills the rest with `fill` (0 to 255).
    """

    size: Size
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill: int = 0

    @classmethod
    def of(cls, size: int | Sequence[int], values: Mapping[str, Any]) -> Preprocessing:
        """From a model's own size and open_clip's `preprocess_cfg`, of which anything may be missing."""
        height, width = (size, size) if isinstance(size, int) else tuple(size)
        return cls(
            (height, width),
            tuple(values.get("mean") or CLIP_MEAN),
            tuple(values.get("std") or CLIP_STD),
            values.get("interpolation") or "bicubic",
            values.get("resize_mode") or "shortest",
            int(values.get("fill_color") or 0),
        )

    def __call__(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """RGB pictures as (n, 3, height, width)."""
        values = np.stack([np.asarray(self._sized(picture), dtype=np.float32) for picture in pictures]) / 255.0
        normalised = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2), dtype=np.float32)

    def _sized(self, picture: Image.Image) -> Image.Image:
        height, width = self.size
        kind = Image.Resampling.BILINEAR if self.interpolation == "bilinear" else Image.Resampling.BICUBIC
        if self.resize_mode == "squash":
            return picture.resize((width, height), kind)
        wide, high = picture.width / width, picture.height / height
        if self.resize_mode == "longest":
            return _centred(picture.resize(_divided(picture, max(wide, high), round), kind), self.size, self.fill)
        return _centred(picture.resize(_divided(picture, min(wide, high), int), kind), self.size, self.fill)


def _divided(picture: Image.Image, factor: float, whole: Any) -> tuple[int, int]:
    """(width, height) divided by `factor`, made whole in the manner of the transform it stands for."""
    return max(1, whole(picture.width / factor + 1e-9)), max(1, whole(picture.height / factor + 1e-9))


def _centred(picture: Image.Image, size: Size, fill: int) -> Image.Image:
    """The middle of the picture at `size`, with `fill` around it where it is smaller."""
    height, width = size
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    if left < 0 or top < 0:
        sheet = Image.new("RGB", (width, height), (fill, fill, fill))
        sheet.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
        return sheet
    return picture.crop((left, top, left + width, top + height))
