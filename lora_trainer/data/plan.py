"""The order of the data, as a pure function of seed and step.

Nothing is drawn from a state that training moves along: the batches of an epoch follow from the seed and the epoch's
number alone. So a resumed run needs only its step number, and asking twice, or out of turn, changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..config import DataOptions, TrainConfig
from .chance import below, shuffled, stream
from .records import Picture, Size
from .vary import held_back, vary_caption

_DRAWN_FROM = (
    "batch_size",
    "crop",
    "crop_variants",
    "flip",
    "shuffle_tags",
    "keep_tags",
    "tag_dropout",
    "caption_dropout",
    "validation_share",
)
"""The options (beside what makes the pictures' records) that decide what an epoch consists of."""


class Variant(NamedTuple):
    """One way in which a picture is shown: `crop` 0 is the centred one, others are at random places."""

    picture: int
    crop: int
    flip: bool


@dataclass(frozen=True)
class Item:
    """A picture in a batch, with the caption it has this time."""

    picture: int
    crop: int
    flip: bool
    caption: str

    @property
    def variant(self) -> Variant:
        return Variant(self.picture, self.crop, self.flip)


@dataclass(frozen=True)
class BatchPlan:
    """A micro-batch: pictures of one bucket. The last batch of a bucket may be smaller than the others."""

    bucket: Size
    items: tuple[Item, ...]


def pixels_of(batch: BatchPlan) -> int:
    """Pixels that a micro-batch takes through the model."""
    return batch.bucket[0] * batch.bucket[1] * len(batch.items)


@dataclass(frozen=True)
class CaptionChunk:
    """The distinct captions of the steps from `first_step` until before `end_step`."""

    first_step: int
    end_step: int
    captions: tuple[str, ...]


class RunPlan:
    """What every micro-batch of a run consists of.

    The micro-batches of all epochs stand in one long row. Step k (from 0) takes `accumulation` of them from number
    k * accumulation on, so a step may reach over the end of an epoch. All epochs are equally long.
    """

    def __init__(
        self, pictures: Sequence[Picture], data: DataOptions, *, seed: int, epochs: int, steps: int, accumulation: int
    ) -> None:
        """`steps` 0: as many as the epochs need. At least one picture must not be for regularization."""
        self.pictures, self.data, self.seed, self.accumulation = tuple(pictures), data, seed, accumulation
        self.held_back = held_back(self.pictures, data.validation_share)
        self._trained = self._by_bucket(regularization=False)
        self._priors = self._by_bucket(regularization=True)
        self._prior_counts = self._share_out_priors()
        self._buckets = sorted(set(self._trained) | set(self._prior_counts))
        self._epochs: dict[int, tuple[BatchPlan, ...]] = {}
        self.batches_per_epoch = sum(-(-self._count(bucket) // data.batch_size) for bucket in self._buckets)
        self.total_steps = steps or -(-epochs * self.batches_per_epoch // accumulation)
        self.validation = self._validation_batches()

    @classmethod
    def from_config(cls, pictures: Sequence[Picture], config: TrainConfig) -> RunPlan:
        return cls(
            pictures,
            config.data,
            seed=config.seed,
            epochs=config.epochs,
            steps=config.steps,
            accumulation=config.optimizer.accumulation,
        )

    @property
    def fingerprint(self) -> str:
        """A hash of all that the order follows from. A run resumed under another one sees other batches than before."""
        drawn = [getattr(self.data, name) for name in _DRAWN_FROM]
        shown = [
            (p.digest, p.bucket, p.caption, p.repeats, p.weight, p.regularization, *_marked(p)) for p in self.pictures
        ]
        return hashlib.sha256(repr((self.seed, self.accumulation, drawn, shown)).encode()).hexdigest()

    @property
    def steps_per_epoch(self) -> int:
        """Steps that the first epoch needs. Later ones may end a step earlier; `end_of_epoch` is exact."""
        return self.end_of_epoch(0)

    def epoch_of(self, step: int) -> int:
        """The epoch (from 0) in which step number `step` (from 0) begins."""
        return step * self.accumulation // self.batches_per_epoch

    def end_of_epoch(self, epoch: int) -> int:
        """How many steps have been taken when all of `epoch` (from 0) has been seen."""
        return -(-(epoch + 1) * self.batches_per_epoch // self.accumulation)

    def batch(self, step: int, micro: int = 0) -> BatchPlan:
        """Micro-batch number `micro` of step `step`, both from 0."""
        epoch, place = divmod(step * self.accumulation + micro, self.batches_per_epoch)
        return self.epoch(epoch)[place]

    def epoch(self, number: int) -> tuple[BatchPlan, ...]:
        """All micro-batches of an epoch (from 0)."""
        if number not in self._epochs:
            latest = list(self._epochs.items())[-1:]  # a step may reach over two epochs
            self._epochs = dict([*latest, (number, self._draw_epoch(number))])
        return self._epochs[number]

    def batches(self, first_step: int, end_step: int) -> Iterator[BatchPlan]:
        """All micro-batches of the steps from `first_step` until before `end_step`."""
        for step in range(first_step, end_step):
            for micro in range(self.accumulation):
                yield self.batch(step, micro)

    def all_variants(self, first_step: int = 0, end_step: int | None = None) -> list[Variant]:
        """All distinct variants that these steps (all, unless told) and validation use, by first use."""
        batches = [*self.validation, *self.batches(first_step, self._end(end_step))]
        return list(dict.fromkeys(item.variant for batch in batches for item in batch.items))

    def all_captions(self, first_step: int = 0, end_step: int | None = None) -> list[str]:
        """All distinct captions that these steps (all, unless told) and validation use, by first use."""
        chunks = self.caption_chunks(first_step, self._end(end_step), most=None)
        return next((list(chunk.captions) for chunk in chunks), self._validation_captions())

    def caption_chunks(self, first_step: int, end_step: int, most: int | None) -> Iterator[CaptionChunk]:
        """Divide steps so that each part has at most `most` distinct captions, those of validation included.

        A part has at least one step, however many captions that takes.
        """
        fixed = dict.fromkeys(self._validation_captions())
        start, known = first_step, dict(fixed)
        for step in range(first_step, end_step):
            new = dict.fromkeys(item.caption for batch in self.batches(step, step + 1) for item in batch.items)
            if most is not None and step > start and len(known | new) > most:
                yield CaptionChunk(start, step, tuple(known))
                start, known = step, dict(fixed)
            known |= new
        if start < end_step:
            yield CaptionChunk(start, end_step, tuple(known))

    def _end(self, end_step: int | None) -> int:
        return self.total_steps if end_step is None else end_step

    def _validation_captions(self) -> list[str]:
        return list(dict.fromkeys(item.caption for batch in self.validation for item in batch.items))

    def _by_bucket(self, *, regularization: bool) -> dict[Size, list[int]]:
        """Picture numbers with their repeats, by bucket."""
        found: dict[Size, list[int]] = {}
        for index, picture in enumerate(self.pictures):
            if picture.regularization == regularization and index not in self.held_back:
                found.setdefault(picture.bucket, []).extend([index] * picture.repeats)
        return {bucket: members for bucket, members in found.items() if members}

    def _share_out_priors(self) -> dict[Size, int]:
        """Regularization pictures per bucket and epoch: all together as many as training pictures.

        The share of each bucket is fixed, so that all epochs are equally long; which of its pictures come, turns.
        """
        entries = [bucket for bucket, members in sorted(self._priors.items()) for _ in members]
        if not entries:
            return {}
        wanted = sum(map(len, self._trained.values()))
        whole, rest = divmod(wanted, len(entries))
        extra = shuffled(entries, stream(self.seed, "regularization"))[:rest]
        counts = {bucket: whole * len(members) + extra.count(bucket) for bucket, members in self._priors.items()}
        return {bucket: count for bucket, count in counts.items() if count}

    def _count(self, bucket: Size) -> int:
        return len(self._trained.get(bucket, [])) + self._prior_counts.get(bucket, 0)

    def _members(self, bucket: Size, epoch: int) -> list[int]:
        """The pictures of a bucket in an epoch; regularization pictures go on where the epoch before left off."""
        priors, count = self._priors.get(bucket, []), self._prior_counts.get(bucket, 0)
        turn = [priors[(epoch * count + place) % len(priors)] for place in range(count)]
        return self._trained.get(bucket, []) + turn

    def _draw_epoch(self, number: int) -> tuple[BatchPlan, ...]:
        order = stream(self.seed, "order", number)
        chances = {purpose: stream(self.seed, purpose, number) for purpose in ("crop", "flip", "caption")}
        batches = []
        for bucket in self._buckets:
            members = shuffled(self._members(bucket, number), order)
            for part in _parts(members, self.data.batch_size):
                items = []
                for index in part:
                    crop = below(self.data.crop_variants, chances["crop"]) if self.data.crop == "random" else 0
                    flip = self.data.flip and below(2, chances["flip"]) == 1 and self.pictures[index].marks.flip
                    caption = vary_caption(self.pictures[index].caption, self.data, chances["caption"])
                    items.append(Item(index, crop, flip, caption))
                batches.append(BatchPlan(bucket, tuple(items)))
        return tuple(shuffled(batches, order))

    def _validation_batches(self) -> tuple[BatchPlan, ...]:
        """The held-back pictures, centred, unmirrored and with their whole captions, always in the same batches."""
        by_bucket: dict[Size, list[int]] = {}
        for index in sorted(self.held_back):
            by_bucket.setdefault(self.pictures[index].bucket, []).append(index)
        return tuple(
            BatchPlan(bucket, tuple(Item(index, 0, False, self.pictures[index].caption) for index in part))
            for bucket, members in sorted(by_bucket.items())
            for part in _parts(members, self.data.batch_size)
        )


def _marked(picture: Picture) -> tuple[object, ...]:
    """What marks change of what is shown: nothing for a picture without them."""
    return (*picture.marks.shown, *(() if picture.marks.flip else ("never mirrored",)))


def _parts(members: Sequence[int], most: int) -> Iterable[Sequence[int]]:
    return (members[start : start + most] for start in range(0, len(members), most))
