"""Fills in what the options leave to the trainer, once base and pictures are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .config import TrainConfig
from .host.base import BaseInfo

if TYPE_CHECKING:
    from .data.records import Picture

SHOWINGS_PER_PICTURE = 100
FEWEST_SHOWINGS, MOST_SHOWINGS = 1000, 3000
"""How often pictures are shown in all: what experts' settings for characters and styles come to (about 1000-3000)."""
SEEN_OFTEN = 5
"""How often a picture must be shown to leave a trace: very many pictures need more showings than experts' sets do."""


def with_resolution(config: TrainConfig, info: BaseInfo) -> TrainConfig:
    """The configuration with the base's own resolution where none was asked for."""
    if config.data.resolution:
        return config
    return replace(config, data=replace(config.data, resolution=info.native_resolution))


def with_epochs(config: TrainConfig, pictures: Sequence[Picture]) -> TrainConfig:
    """The configuration with epochs that suit the pictures where neither steps nor epochs were asked for."""
    if config.steps or config.epochs:
        return config
    shown = [picture for picture in pictures if not picture.regularization]
    in_an_epoch = max(1, sum(picture.repeats for picture in shown))
    return replace(config, epochs=max(1, round(showings_for(len(shown)) / in_an_epoch)))


def showings_for(pictures: int) -> int:
    """How often so many pictures are to be shown in all."""
    usual = min(max(SHOWINGS_PER_PICTURE * pictures, FEWEST_SHOWINGS), MOST_SHOWINGS)
    return max(usual, SEEN_OFTEN * pictures)
