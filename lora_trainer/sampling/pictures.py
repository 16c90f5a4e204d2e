"""Decoded pictures as images, rounded as the WebUI rounds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from PIL import Image


def to_images(pixels: torch.Tensor) -> list[Image.Image]:
    """Pictures (n, 3, h, w) in -1..1 as RGB images; what lies between two of the 256 values becomes the lower one."""
    from PIL import Image

    bytes_ = (((pixels.float() + 1) / 2).clamp(0, 1) * 255).to(torch.uint8)
    return [Image.fromarray(picture) for picture in bytes_.permute(0, 2, 3, 1).contiguous().cpu().numpy()]
