"""From a picture that was read to a tensor of its bucket's size.

Every step works on whole numbers or element by element, so that the same file gives the same tensor every time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .records import Size

if TYPE_CHECKING:
    import torch


def scaled_size(size: Size, bucket: Size) -> Size:
    """The least size of the picture's own shape that covers `bucket`; one side fits exactly."""
    (height, width), (least_height, least_width) = size, bucket
    if least_height * width >= least_width * height:
        return least_height, max(least_width, (2 * width * least_height + height) // (2 * height))
    return max(least_height, (2 * height * least_width + width) // (2 * width)), least_width


def crop_corner(scaled: Size, bucket: Size, position: tuple[float, float]) -> tuple[int, int]:
    """Top left corner (y, x) of the crop. `position` runs from (0, 0), the top left, to (1, 1)."""
    return int(position[0] * (scaled[0] - bucket[0])), int(position[1] * (scaled[1] - bucket[1]))


def scale(image: Image.Image, size: Size) -> Image.Image:
    """The picture at `size` (height, width), by Lanczos with antialiasing."""
    if image.size == size[::-1]:
        return image
    return image.resize(size[::-1], Image.Resampling.LANCZOS)


def cut(image: Image.Image, corner: tuple[int, int], size: Size, flip: bool) -> Image.Image:
    """The part of `size` whose top left corner is `corner` (y, x), mirrored left to right if `flip`."""
    part = image.crop((corner[1], corner[0], corner[1] + size[1], corner[0] + size[0]))
    return part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else part


def to_tensor(image: Image.Image) -> torch.Tensor:
    """An RGB picture as (3, h, w), fp32 in -1..1."""
    import torch

    values = torch.from_numpy(np.array(image, dtype=np.uint8))
    return values.permute(2, 0, 1).contiguous().float().div_(127.5).sub_(1.0)


def mask_to_tensor(image: Image.Image) -> torch.Tensor:
    """A mask (mode L) as (1, h, w), fp32 in 0..1."""
    import torch

    return torch.from_numpy(np.array(image, dtype=np.uint8))[None].float().div_(255.0)
