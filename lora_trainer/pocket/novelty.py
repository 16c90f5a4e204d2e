"""What a thing must offer that pocket cannot draw yet, to be taught to it and to be found in pictures again."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL.Image import Image


class Novelty(Protocol):
    """A new object, texture or style, under a word that means nothing to pocket."""

    word: str
    steps: int
    rate: float
    """How many steps at which learning rate teach it."""

    def example(self, number: int, rng: Random, size: int = 64) -> tuple[Image, str]:
        """The training picture of that number from 0, `size` px wide and high, and its caption with the word."""

    def prompts(self, count: int) -> list[str]:
        """Prompts that ask for it, all different in what stands around it as far as there is enough of that."""

    def shows(self, image: Image) -> bool:
        """Whether it is in the picture, measured from the pixels: no network judges what a LoRA has learned."""


def write_examples(novelty: Novelty, folder: Path, count: int = 12, size: int = 64, seed: int = 1) -> Path:
    """Writes pictures with captions beside them (.png and .txt) into a folder, made if missing; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(seed)
    for number in range(count):
        picture, caption = novelty.example(number, rng, size)
        name = f"{novelty.word}{number + 1:02d}"
        picture.save(folder / f"{name}.png")
        (folder / f"{name}.txt").write_text(caption, encoding="utf-8")
    return folder
