"""The shapes of a base that a host names: from its file's header, or its family's usual ones."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from ..checkpoints import open_checkpoint
from ..checkpoints.hints import Hints
from ..host.base import BaseInfo
from .imagined import BaseShapes

CHANNELS = 320
"""Of the first level of every family's U-Net."""


def base_shapes(info: BaseInfo) -> BaseShapes:
    """Of the base that `info` describes. Raises BaseModelError when its file cannot be read any more."""
    path = Path(info.path)
    if info.path and (path.is_dir() or path.suffix.lower() == ".safetensors"):
        with open_checkpoint(path) as checkpoint:
            return BaseShapes(info, checkpoint.shapes, checkpoint.hints)
    return BaseShapes(info, _usual(info.family), Hints())


@lru_cache
def _usual(family: str) -> dict[str, tuple[int, ...]]:
    """Pickled files have no header to read; all bases of a family are alike."""
    from ..pocket.random_bases import base_layout, original_shapes

    return original_shapes(base_layout(family, channels=CHANNELS, text="real"))
