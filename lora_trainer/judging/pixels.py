"""A plain measure on pixels, where there is no model: it sees that a picture has changed, and not what is in it.

Two pictures are shrunk to 32 x 32 and their colours compared pixel by pixel. A shift of the same scene counts as a
change, and so does another colour of the sky: it says less than a model does, and it needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..sentences import Sentence
from .base import JUDGES, Settings
from .learned import Learned

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 32


@JUDGES.register("pixels")
class PixelJudge:
    """The mean difference of colour, 0 (equal) to 1 (black and white)."""

    name = "pixels"

    def __init__(self, settings: Settings) -> None:
        pass

    def missing(self) -> Sentence | None:
        return None

    def load(self, learned: Sequence[Learned], given_up: Callable[[], bool]) -> None:
        pass

    def look(self, pictures: Sequence[Image]) -> list[Any]:
        import numpy as np
        from PIL import Image as Pictures

        box = Pictures.Resampling.BOX
        return [np.asarray(one.convert("RGB").resize((SIDE, SIDE), box), np.float32) / 255 for one in pictures]

    def likeness(self, seen: Any) -> float | None:
        return None

    def among_learned(self) -> list[float]:
        return []

    def suits(self, seen: Any, texts: Sequence[str]) -> list[float] | None:
        return None

    def difference(self, one: Any, other: Any) -> float:
        return float(abs(one - other).mean())

    def close(self) -> None:
        pass
