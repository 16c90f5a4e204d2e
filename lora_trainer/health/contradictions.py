"""Pictures that show the same under captions that cannot both be true of them.

What a picture shows, nobody here can read. But of two copies of one picture it is known that they show the same: where
their captions share no word, or call the same thing red in one and blue in the other, at least one of them is wrong,
and the run is asked to learn both. Likeness is that of `likeness`: measured on pixels, never on words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

import numpy as np

from .likeness import groups_of_copies

FEWEST_WORDS = 3
"""Words that a caption must have to be compared: two short ones may each name another part of one picture."""
SAME_COLOURS = 12.0
"""Levels (of 255) by which copies may differ on the mean. `likeness` lets copies be lighter or of another tint, and so
takes drawings of one shape in pink and in white for one; copies stored anew differ in 1 to 6."""
MOST_COMPARED = 2000
"""Pictures; comparing their hashes takes a second then."""


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


COLOURS = _set_of("red orange yellow green cyan blue purple violet pink brown white gray grey black blonde silver")
EXCLUSIVE = (
    _set_of("indoors outdoors"),
    _set_of("day night"),
    _set_of("standing sitting lying kneeling"),
    _set_of("monochrome colorful"),
    _set_of("1girl 2girls 3girls"),
    _set_of("1boy 2boys 3boys"),
)
"""Words of which a picture takes one."""
SMALL_WORDS = _set_of(
    "a an the of and or in on at with by for from to is are it its this that background picture photo"
)


def contradictions(
    captions: Sequence[str], fingerprints: Sequence[tuple[np.ndarray, np.ndarray]]
) -> Iterator[tuple[int, int]]:
    """Places of two pictures that show the same, though their captions contradict; `fingerprints` as likeness has them.

    Captions are to be given without the trigger word, which all of them share.
    """
    for group in groups_of_copies(fingerprints[:MOST_COMPARED]):
        for one, other in combinations(group, 2):
            if contradict(captions[one], captions[other]) and _same(fingerprints[one][1], fingerprints[other][1]):
                yield one, other


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return float(abs(one.astype(np.float32) - other.astype(np.float32)).mean()) <= SAME_COLOURS


def contradict(one: str, other: str) -> bool:
    """Whether two captions cannot be of one picture: they share nothing, or name what excludes each other."""
    first, second = _words(one), _words(other)
    return _share_nothing(first, second) or _coloured_otherwise(first, second) or _exclude(first, second)


def _share_nothing(first: list[str], second: list[str]) -> bool:
    said, also = {*first} - SMALL_WORDS, {*second} - SMALL_WORDS
    return min(len(said), len(also)) >= FEWEST_WORDS and not said & also


def _coloured_otherwise(first: list[str], second: list[str]) -> bool:
    """Whether a thing that both name has one colour here and another one there; not where it has several."""
    here, there = _colours(first), _colours(second)
    return any(here[thing].isdisjoint(there[thing]) for thing in here.keys() & there.keys())


def _colours(words: list[str]) -> dict[str, set[str]]:
    """The colours of every thing: of the word that follows a colour at once."""
    found: dict[str, set[str]] = {}
    for colour, thing in pairwise(words):
        if colour in COLOURS and thing not in COLOURS | (SMALL_WORDS - {"background"}):
            found.setdefault(thing, set()).add("gray" if colour == "grey" else colour)
    return found


def _exclude(first: list[str], second: list[str]) -> bool:
    for words in EXCLUSIVE:
        here, there = words & {*first}, words & {*second}
        if here and there and here.isdisjoint(there):
            return True
    return False


def _words(caption: str) -> list[str]:
    return re.findall(r"[^\W_]+", caption.casefold())
