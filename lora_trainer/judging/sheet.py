"""A grid of pictures as judges see it, and what they say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..sentences import from_json, to_json
from .words import has_word

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Shot:
    """A drawn picture. `prompt` is a number in the sheet's list; at strength 0 all saves draw the same."""

    save: str
    strength: float
    prompt: int
    seed: int
    picture: Path | Image

    @property
    def is_bare(self) -> bool:
        """Whether the base drew it alone."""
        return self.strength == 0

    def open(self) -> Image:
        """In RGB."""
        from PIL import Image as Pictures

        if isinstance(self.picture, Path):
            with Pictures.open(self.picture) as image:
                return image.convert("RGB")
        return self.picture.convert("RGB")


@dataclass(frozen=True)
class Sheet:
    """All pictures of a grid, those of the base alone among them: also from seeds of which there are no others.

    `word` is what calls up what was learned; prompts without it show what became of the rest.
    """

    prompts: Sequence[str]
    word: str
    shots: Sequence[Shot]

    def has_word(self, prompt: int) -> bool:
        return has_word(self.prompts[prompt], self.word)

    @property
    def without_word(self) -> list[int]:
        """The prompts without the word, as numbers."""
        return [number for number in range(len(self.prompts)) if not self.has_word(number)]

    def bare(self) -> dict[tuple[int, int], int]:
        """Where the shot of the base alone is, for every (prompt, seed) that has one."""
        return {(shot.prompt, shot.seed): number for number, shot in enumerate(self.shots) if shot.is_bare}


@dataclass(frozen=True)
class Score:
    """What is said of a picture, or of a cell in the mean. What nobody could answer is None.

    `likeness`: how alike it is to the pictures that were learned from, as the judge measures it (open_clip: cosine).
    `faithfulness`: how much better it suits its own prompt than the other ones; 1 as the base's own picture, 0 not at
    all. `change`: of a prompt without the word, how far it is from what the base alone draws; 1 is as far as any two of
    the base's own pictures are apart.
    """

    likeness: float | None = None
    faithfulness: float | None = None
    change: float | None = None

    def __bool__(self) -> bool:
        return any(value is not None for value in asdict(self).values())

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Score:
        """Raises ValueError or TypeError for figures that are no numbers."""
        return cls(*(_figure(values.get(item.name)) for item in fields(cls)))


@dataclass(frozen=True)
class Cell:
    """A save at a strength, over all prompts and seeds."""

    save: str
    strength: float
    score: Score

    def to_json(self) -> dict[str, Any]:
        values = {name: None if value is None else round(value, 4) for name, value in asdict(self.score).items()}
        return {"save": self.save, "strength": self.strength, **values}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Cell:
        return cls(str(values["save"]), float(values["strength"]), Score.from_json(values))


@dataclass(frozen=True)
class Judgement:
    """What judges say of a sheet: a score for each of its shots, in their order, and for each cell above strength 0.

    `bare` is the score of the base alone. `spread` is by how much likeness differs between prompts and seeds by chance
    (standard deviation of a single picture), `samples` how many of these a cell has. `ceiling` is how alike the
    pictures that were learned from are to one another. `missing` says what would be needed to know more.
    """

    scores: Sequence[Score]
    cells: Sequence[Cell]
    bare: Score = field(default_factory=Score)
    spread: float | None = None
    samples: int = 0
    ceiling: float | None = None
    judges: Mapping[str, str] = field(default_factory=dict)
    """{question: name of the judge that answered it}"""
    missing: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "cells": [cell.to_json() for cell in self.cells],
            "bare": None if self.bare.likeness is None else round(self.bare.likeness, 4),
            "ceiling": None if self.ceiling is None else round(self.ceiling, 4),
            "spread": None if self.spread is None else round(self.spread, 4),
            "judges": dict(self.judges),
            "missing": [to_json(sentence) for sentence in self.missing],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], scores: Sequence[Score]) -> Judgement:
        """What `to_json` told, with the scores of single pictures, which that leaves out.

        Raises KeyError, TypeError, ValueError or AttributeError for what is none.
        """
        return cls(
            scores,
            [Cell.from_json(cell) for cell in values["cells"]],
            bare=Score(_figure(values["bare"])),
            spread=_figure(values["spread"]),
            ceiling=_figure(values["ceiling"]),
            judges={str(question): str(judge) for question, judge in values["judges"].items()},
            missing=[from_json(sentence) for sentence in values["missing"]],
        )


def _figure(value: Any) -> float | None:
    return None if value is None else float(value)
