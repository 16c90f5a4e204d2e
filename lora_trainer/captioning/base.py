"""What a captioner is: something that looks at pictures and answers with a text, or with tags and scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..errors import ConfigError
from ..registry import Registry
from ..sentences import Sentence

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True)
class Tag:
    """A tag and how sure the captioner is of it, 0 to 1. `group` names the vocabulary or category that it is from."""

    text: str
    score: float
    group: str = ""


Answer = str | tuple[Tag, ...]
"""What a captioner says of a picture: a sentence, or tags in the order in which they are to be written."""


def text_of(answer: Answer) -> str:
    """The answer as a caption: a sentence on one line, or tags with commas, each once."""
    if isinstance(answer, str):
        return " ".join(answer.split())
    return ", ".join(dict.fromkeys(tag.text for tag in answer))


@dataclass(frozen=True)
class Settings:
    """What a captioner is made with; what does not concern it is passed over.

    `folder` is where the user's models and vocabularies lie. `model` is a file or folder, or the name of one in
    `folder`; without it the first that is found. `threshold` and `most` are the captioner's own where they are unset.
    """

    folder: Path
    model: str = ""
    architecture: str = ""
    threshold: float | None = None
    character_threshold: float | None = None
    most: int = 0
    prompt: str = ""
    device: str = "auto"

    def check(self) -> None:
        """Raise ConfigError naming every value that is out of bounds."""
        wrong = [
            Sentence("threshold_bounds", "{name} is {value}, but must lie between 0 and 1.", name=name, value=value)
            for name, value in (("threshold", self.threshold), ("character_threshold", self.character_threshold))
            if value is not None and not (math.isfinite(value) and 0 <= value <= 1)
        ]
        if self.most < 0:
            wrong.append(Sentence("most_bounds", "most is {value}, but must be at least 0.", value=self.most))
        if wrong:
            raise ConfigError(wrong)


class Captioner(Protocol):
    """Looks at pictures. `load` and `close` frame its work; `missing` may be asked at any time and is quick."""

    name: str

    @property
    def identity(self) -> str:
        """The same for the same model and settings: an interrupted folder is taken up again by no other."""

    def missing(self) -> Sentence | None:
        """What it lacks, and where to put it; None when it can be loaded. Nothing is ever downloaded."""

    def models(self) -> list[str]:
        """Names of the models in its folder; empty for one that has a single model of its own."""

    def load(self) -> None:
        """Bring the model up. Raises UserError when its files cannot be used."""

    def caption(self, pictures: Sequence[Image]) -> list[Answer]:
        """An answer for each RGB picture of a batch, in their order. Raises UserError."""

    def close(self) -> None:
        """Free what `load` brought up. Twice is as once."""


Build = Callable[[Settings], Captioner]

CAPTIONERS: Registry[Build] = Registry("captioner")
"""Those that work everywhere; a host may have more of its own (`Companion.captioners`)."""
