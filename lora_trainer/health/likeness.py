"""Pictures that show the same: a difference hash finds candidates, a small picture decides.

The difference hash (dHash) says of 128 places whether it gets lighter to the right or downwards there. Over photographs
alone it would do. Drawn figures on a plain ground agree in nearly all of that whatever their pose, so that candidates
are compared again: as 24 x 24 pixels, each freed of brightness and contrast, in the places where they differ most.

The hash is five lines of numpy. The known library (imagehash) has the same hash, but neither the second look, without
which it would call poses copies, nor a comparison of all with all: it would only be one more package in every host.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

SIDE, SMALL = 8, 24
CANDIDATES = 14
"""Bits of 128 in which copies may differ.

Measured on 68 pictures (photographs, drawings, 24 poses of a figure): stored anew as JPEG of quality 30, halved, at a
third of the size, lighter, or with less contrast, copies differ in at most 14 bits. Poses of a figure differ in
as few as 3, which is why the hash alone decides nothing.
"""
ALIKE = 0.8
"""How far copies may be apart: the 98th percentile of differences, in standard deviations of the picture.

Of the copies above, 67 of 68 are below 0.8 in each way; of those cut by 2 % at each side, a third. Different pictures,
poses included, are at least 1.1 apart.
"""
LEAST_SPREAD = 8.0
"""Levels. Plain pictures are not blown up to noise."""
ROWS = 512
"""Pictures that are compared with all others at a time."""


def fingerprint(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """The hash (16 bytes) and the small picture (24, 24, 3) of an RGB picture, as uint8."""
    grey = image.convert("L")
    across = np.asarray(grey.resize((SIDE + 1, SIDE), Image.Resampling.BOX), np.int16)
    down = np.asarray(grey.resize((SIDE, SIDE + 1), Image.Resampling.BOX), np.int16)
    bits = np.concatenate([(across[:, 1:] > across[:, :-1]).ravel(), (down[1:] > down[:-1]).ravel()])
    return np.packbits(bits), np.asarray(image.resize((SMALL, SMALL), Image.Resampling.BOX), np.uint8)


def groups_of_copies(fingerprints: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[list[int]]:
    """Places of pictures that show the same as another, by group, in their order."""
    leader = list(range(len(fingerprints)))
    for one, other in _pairs(np.array([code for code, _ in fingerprints])):
        if apart(fingerprints[one][1], fingerprints[other][1]) <= ALIKE:
            first, second = sorted((_root(leader, one), _root(leader, other)))
            leader[second] = first
    groups: dict[int, list[int]] = {}
    for place in range(len(leader)):
        groups.setdefault(_root(leader, place), []).append(place)
    return [group for group in groups.values() if len(group) > 1]


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two small pictures are apart: 0 for the same, about 3 for pictures of different things."""
    difference = abs(_freed(one) - _freed(other)).max(-1)
    return float(np.percentile(difference, 98))


def _pairs(codes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of hashes (n, 16) that differ in few bits."""
    found: list[tuple[int, int]] = []
    ones = np.array([bin(value).count("1") for value in range(256)], np.uint8)
    for start in range(0, len(codes), ROWS):
        part = codes[start : start + ROWS]
        distance = sum(
            ones[part[:, None, byte] ^ codes[None, :, byte]].astype(np.uint16) for byte in range(codes.shape[1])
        )
        rows, columns = np.nonzero(distance <= CANDIDATES)
        found += [(start + int(row), int(column)) for row, column in zip(rows, columns) if column > start + row]
    return found


def _freed(small: np.ndarray) -> np.ndarray:
    values = small.astype(np.float32)
    return (values - values.mean()) / max(float(values.std()), LEAST_SPREAD)


def _root(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = leader[place]
    return place
