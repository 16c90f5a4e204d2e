"""What changes from one showing of a picture to the next, and which pictures are never shown in training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from random import Random

from ..config import DataOptions
from .chance import shuffled, stream
from .records import Picture


def vary_caption(caption: str, data: DataOptions, chance: Random) -> str:
    """The caption with tags shuffled or left out, or nothing in place of it, as often as the options say."""
    if data.caption_dropout and chance.random() < data.caption_dropout:
        return ""
    if not (data.shuffle_tags or data.tag_dropout):
        return caption
    tags = [tag for tag in map(str.strip, caption.split(",")) if tag]
    kept, rest = tags[: data.keep_tags], tags[data.keep_tags :]
    if data.shuffle_tags:
        rest = shuffled(rest, chance)
    if data.tag_dropout:
        rest = [tag for tag in rest if chance.random() >= data.tag_dropout]
    return ", ".join(kept + rest)


def crop_position(picture: Picture, crop: int) -> tuple[float, float]:
    """Where crop number `crop` lies, as (y, x) from 0 to 1: 0 is centred, others depend on the picture's content only.

    They do not depend on the run's seed, so that a cache on disk serves every run.
    """
    if crop == 0:
        return 0.5, 0.5
    chance = stream("crop", picture.digest, crop)
    return chance.random(), chance.random()


def held_back(pictures: Sequence[Picture], share: float) -> frozenset[int]:
    """Numbers of the pictures that are kept for validation.

    Each picture's own content decides, so that the choice for it stays the same when others are added, and copies of a
    picture stay together. At least one picture is held back and one trained, if there are two. Those for
    regularization are never held back.
    """
    candidates = sorted(
        (int(hashlib.sha256(f"validation/{picture.digest}".encode()).hexdigest(), 16) / 2**256, index)
        for index, picture in enumerate(pictures)
        if not picture.regularization and picture.repeats
    )
    first, last = (candidates[0][0], candidates[-1][0]) if candidates else (0.0, 0.0)
    if not share or first == last:
        return frozenset()
    return frozenset(index for value, index in candidates if value == first or (value < share and value != last))
