"""Captions of pictures that show the same, compared before a run: an event tells which of them contradict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..config import DataOptions
from ..data.framing import without_border
from ..data.pictures import UnreadablePicture, glance
from ..data.records import Picture
from ..data.wording import trigger_words, without_words
from ..events import Compared, Event, Preparing
from ..health.contradictions import contradictions
from ..health.likeness import fingerprint, groups_of_copies

PHASE = "comparing captions"
SIDE = 256
"""Pixels of the square at whose area pictures are looked at; it costs 1 to 10 ms for each."""
MOST_PICTURES = 500


def compared(pictures: Sequence[Picture], data: DataOptions) -> Iterator[Event]:
    """Looks at the pictures that are to be learned, the first `MOST_PICTURES` of them; tells what was found at the end.

    A picture that cannot be read any more is left to those who need it.
    """
    shown = [one for one in pictures if not one.regularization and one.repeats][:MOST_PICTURES]
    seen: list[tuple[Picture, tuple[np.ndarray, np.ndarray]]] = []
    for number, picture in enumerate(shown, 1):
        if (code := _fingerprint(picture)) is not None:
            seen.append((picture, code))
        yield Preparing(PHASE, number, len(shown))
    codes = [code for _, code in seen]
    words = trigger_words(data)
    captions = [without_words(picture.caption, words) for picture, _ in seen]
    pairs = list(contradictions(captions, codes))
    names = dict.fromkeys(seen[place][0].name for pair in pairs for place in pair)
    first = tuple(seen[place][0].caption for place in pairs[0]) if pairs else ()
    alike = sum(map(len, groups_of_copies(codes))) if codes else 0
    yield Compared(len(seen), alike, tuple(names), first)


def _fingerprint(picture: Picture) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        _, upright = glance(picture.path, SIDE * SIDE, picture.marks.orientation)
    except UnreadablePicture:
        return None
    return fingerprint(without_border(upright.rgb, picture.marks))
