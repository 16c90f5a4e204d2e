"""The embedded base's lesson: a thing that it cannot draw, pictures of it, and settings that teach it in a minute.

The demo shows it, and the learning tests measure it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .embedded import POCKET
from .grammar import COLORS
from .novel import WORD, shows_novel, write_dataset

if TYPE_CHECKING:
    from PIL.Image import Image

STRENGTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
STEPS, SAVE_EVERY = 400, 100
PICTURES = 12


def write_pictures(folder: Path) -> Path:
    """The twelve pictures with their captions; returns the folder."""
    write_dataset(folder, PICTURES)
    return folder


def lesson_values(pictures: Path, output: Path, name: str = WORD) -> dict[str, Any]:
    """Options of the lesson."""
    return {
        "base": {"checkpoint": POCKET},
        "data": {"folders": [str(pictures)], "batch_size": 4, "trigger_word": WORD},
        "network": {"rank": 8, "alpha": 8.0},
        "optimizer": {"learning_rate": 2e-3, "schedule": "cosine", "warmup": 0.05},
        "loss": {"min_snr_gamma": 0.0},
        "samples": {"prompts": [f"a {WORD}, blue background"], "steps": 20, "guidance": 4.0},
        "save": {"name": name, "output": str(output), "every": SAVE_EVERY},
        "steps": STEPS,
        "seed": 5,
    }


def prompts(count: int) -> list[str]:
    """Prompts with the word, on the grammar's backgrounds in turn."""
    colours = list(COLORS)
    return [f"a {WORD}, {colours[number % len(colours)]} background" for number in range(count)]


def share_shown(images: Sequence[Image], shows: Callable[[Image], bool] = shows_novel) -> float:
    """The share of pictures that show the thing, measured from their pixels."""
    return sum(map(shows, images)) / len(images)
