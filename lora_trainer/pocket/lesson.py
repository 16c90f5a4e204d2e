"""The embedded base's lessons: things that it cannot draw, and settings that teach them in a minute or two.

The demo shows the first one, and the learning tests measure all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bands import Bands
from .embedded import POCKET
from .halves import Halves
from .novelty import Novelty

if TYPE_CHECKING:
    from PIL.Image import Image

NOVELTIES: tuple[Novelty, ...] = (Halves(), Bands())
STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SAVE_EVERY = 100


def lesson_values(novelty: Novelty, pictures: Path, output: Path) -> dict[str, Any]:
    """Options of the lesson; `pictures` is a folder from `write_examples`. The LoRA is named after its word."""
    return {
        "base": {"checkpoint": POCKET},
        # A quarter of the steps without a caption: else the empty prompt, from which guidance leads away, learns
        # something of its own, and guidance spoils the colours.
        "data": {
            "folders": [str(pictures)],
            "batch_size": 8,
            "trigger_word": novelty.word,
            "caption_dropout": 0.25,
        },
        "network": {"rank": 8, "alpha": 8.0},
        "optimizer": {"learning_rate": novelty.rate, "schedule": "cosine", "warmup": 0.05},
        # High noise, where a small picture's layout and colours are decided, weighs most.
        "loss": {"min_snr_gamma": 1.0},
        "samples": {"prompts": novelty.prompts(6)[-1:], "steps": 20, "guidance": 4.0},
        "save": {"name": novelty.word, "output": str(output), "every": SAVE_EVERY},
        "steps": novelty.steps,
        "seed": 5,
    }


def share_shown(novelty: Novelty, images: Sequence[Image]) -> float:
    """The share of pictures that show the thing, measured from their pixels."""
    return sum(map(novelty.shows, images)) / len(images)
