"""What fits on a device: the best batch and resolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..config import TrainConfig
from ..sentences import Sentence
from .need import SHARE, Estimator, Need, Size, gigabytes

MODES = ("off", "all")
"""Checkpointing that is looked at: none, and as much as there is."""
MOST_BATCH = 32
"""More pictures at a time make no better LoRA of the few that there are."""
STEP = 64
"""Sides are looked for in steps of so many pixels."""
TRIES = 3
"""How often a guess is corrected."""


@dataclass(frozen=True)
class Fit:
    """The most that fits with one kind of checkpointing; 0 where nothing does.

    `batch` pictures at the resolution that was asked for, or a `resolution` at the batch that was asked for, with what
    either needs.
    """

    checkpointing: str
    batch: int = 0
    batch_need: Need | None = None
    resolution: int = 0
    resolution_need: Need | None = None

    def changes(self, axis: str) -> dict[str, Any]:
        """The options, by path, that ask for the best of 'batch' or of 'resolution'."""
        best = {"data.batch_size": self.batch} if axis == "batch" else {"data.resolution": self.resolution}
        return {"memory.checkpointing": self.checkpointing, **best}

    def to_json(self) -> dict[str, Any]:
        return {
            "checkpointing": self.checkpointing,
            "batch": self.batch,
            "batch_bytes": self.batch_need.bytes if self.batch_need else 0,
            "batch_changes": self.changes("batch"),
            "resolution": self.resolution,
            "resolution_bytes": self.resolution_need.bytes if self.resolution_need else 0,
            "resolution_changes": self.changes("resolution"),
        }


@dataclass(frozen=True)
class Fits:
    """What fits on a device of `total` bytes beside a run at `resolution` and `batch`, by checkpointing."""

    device: str
    total: int
    resolution: int
    batch: int
    rows: tuple[Fit, ...]

    def to_json(self) -> dict[str, Any]:
        """A row for each kind of checkpointing; its `changes` are the options, by path, that ask for it."""
        rows = [row.to_json() for row in self.rows]
        return {"total": self.total, "resolution": self.resolution, "batch": self.batch, "rows": rows}

    def sentence(self) -> Sentence:
        off, every = self.rows
        values = {"total": gigabytes(self.total), "device": self.device, "resolution": self.resolution}
        values |= {"batch": self.batch, "most": _told(off.batch), "side": off.resolution}
        values |= {"most_checkpointed": _told(every.batch), "side_checkpointed": every.resolution}
        if off.batch and off.resolution:
            template = (
                "Into the {total} GB of {device} fit a batch of {most} at {resolution} px, or {side} px at a batch of "
                "{batch}; with gradient checkpointing a batch of {most_checkpointed}, or {side_checkpointed} px."
            )
            return Sentence("fits_both", template, **values)
        if every.batch or every.resolution:
            template = (
                "Into the {total} GB of {device} this run fits only with gradient checkpointing: a batch of "
                "{most_checkpointed} at {resolution} px, or {side_checkpointed} px at a batch of {batch} (0: none)."
            )
            return Sentence("fits_checkpointed", template, **values)
        template = "Into the {total} GB of {device} no batch fits at {resolution} px, and no resolution at {batch}."
        return Sentence("fits_none", template, **values)


class Search:
    """Looks for the most that fits. What a step keeps grows with the pixels in it, so two answers tell the others.

    `size` (height, width) is the largest bucket at the resolution of `config`. `tell` hears (done, total) of the
    questions; `stop` is asked between them.
    """

    def __init__(
        self,
        estimator: Estimator,
        config: TrainConfig,
        size: Size,
        *,
        largest_side: int,
        tell: Callable[[int, int], None] = lambda done, total: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._estimator, self._config, self._size = estimator, config, size
        self._largest_side, self._tell, self._stop = largest_side, tell, stop
        self._asked, self._most = 0, len(MODES) * (2 + 2)

    def run(self) -> Fits | None:
        """Some eight estimates; None when it was stopped. The device must tell its memory."""
        data, count = self._config.data, self._config.data.batch_size
        rows = []
        for mode in MODES:
            first, second = self._need(self._size, count, mode), self._need(self._size, 2 * count, mode)
            if first is None or second is None:
                return None
            room = self._room(first, second) / count  # in pictures of the size asked for, to each of the batch
            rows.append(Fit(mode, *self._best_batch(mode, int(room * count)), *self._best_side(mode, room)))
        if self._stop():
            return None
        self._tell(self._most, self._most)
        device = self._estimator
        return Fits(device.device_name, device.total, data.resolution, count, tuple(rows))

    def _room(self, first: Need, second: Need) -> float:
        """How many pictures there is room for, the size being the one asked for."""
        count = self._config.data.batch_size
        each = (second.step.activations - first.step.activations) / count
        kept_free = (second.own - first.own) / max(1, second.step.activations - first.step.activations)
        own = first.own - kept_free * first.step.activations
        fixed = first.step.weights + first.step.trained + own
        base = first.step.activations - each * count
        return ((first.total * SHARE - fixed) / (1 + kept_free) - base) / max(1.0, each)

    def _best_batch(self, mode: str, guess: int) -> tuple[int, Need | None]:
        for batch in _downwards(min(guess, MOST_BATCH), 1):
            found = self._need(self._size, batch, mode)
            if found is not None and found.fits:
                return batch, found
        return 0, None

    def _best_side(self, mode: str, room: float) -> tuple[int, Need | None]:
        """The largest resolution; `room` is by how much the area may grow."""
        resolution = self._config.data.resolution
        guess = int(resolution * max(0.0, room) ** 0.5) // STEP * STEP
        for side in _downwards(min(guess, self._largest_side), STEP):
            found = self._need(scaled(self._size, side / resolution), self._config.data.batch_size, mode)
            if found is not None and found.fits:
                return side, found
        return 0, None

    def _need(self, size: Size, count: int, mode: str) -> Need | None:
        if self._stop():
            return None
        self._asked += 1
        self._tell(min(self._asked, self._most - 1), self._most)
        return self._estimator.need(size, count, mode)


def _told(batch: int) -> str:
    """A batch, where the search ended before the memory did: that or more."""
    return f"{batch}+" if batch == MOST_BATCH else str(batch)


def _downwards(guess: int, step: int) -> Iterator[int]:
    """A guess and what comes below it, as long as anything is left."""
    yield from (value for value in range(guess, guess - TRIES * step, -step) if value > 0)


def scaled(size: Size, scale: float) -> Size:
    """Sides in steps of 64 pixels, where they change."""
    if scale == 1:
        return size
    height, width = (max(STEP, round(side * scale / STEP) * STEP) for side in size)
    return height, width
