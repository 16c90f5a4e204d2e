"""Micro-batches of encoded pictures, as the plan orders them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import torch
from PIL import Image

from ..errors import DataError
from ..families.base import PictureSize
from ..portions import Portions
from . import framing, pixels
from .cache import Entry, Store, content_key, fill
from .masks import Masks, cut_as
from .pictures import UnreadablePicture, read
from .plan import BatchPlan, RunPlan, Variant
from .records import Picture, Size

READERS = 2
"""Threads that decode the next pictures while a batch is encoded."""


@dataclass(frozen=True)
class Batch:
    """A micro-batch of n pictures of one bucket.

    `latents` (n, 4, h/8, w/8), fp32; `weights` (n,), factors on the loss; `mask` (n, 1, h/8, w/8) in 0..1, where the
    loss counts, or None for everywhere.
    """

    latents: torch.Tensor
    captions: tuple[str, ...]
    sizes: tuple[PictureSize, ...]
    weights: torch.Tensor
    pictures: tuple[int, ...]
    mask: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, rows: slice) -> Batch:
        """Some of its pictures."""
        return Batch(
            self.latents[rows],
            self.captions[rows],
            self.sizes[rows],
            self.weights[rows],
            self.pictures[rows],
            None if self.mask is None else self.mask[rows],
        )


class Loader:
    """Gives the batches of a plan, with every variant of a picture encoded once.

    `encode` is the loan's `encode_pixels`: (n, 3, h, w) in -1..1 to latents (n, 4, h/8, w/8). `vae` names the VAE's
    weights (their hash). `prior_weight` is the factor on the loss of regularization pictures. `portions` tells how many
    pictures are encoded at a time, and learns it where memory runs out.
    """

    def __init__(
        self,
        plan: RunPlan,
        store: Store,
        encode: Callable[[torch.Tensor], torch.Tensor],
        *,
        vae: str,
        portions: Portions | None = None,
    ) -> None:
        self.plan, self._store, self._encode, self._vae = plan, store, encode, vae
        self.portions = portions or Portions()
        self._scaled = lru_cache(maxsize=2 * READERS)(self._read_scaled)
        self._masks = Masks(plan.pictures, self._cut_mask)

    def prepare(self, variants: Sequence[Variant], batch_size: int = 1) -> Iterator[tuple[int, int]]:
        """Encode what is missing, yielding (done, total).

        Raises DataError naming the picture when one has vanished, has changed, or has latents that are no numbers.
        """
        wanted = [(self.key(variant), variant) for variant in variants]
        wanted.sort(key=lambda pair: (self._picture(pair[1]).bucket, pair[1]))
        with ThreadPoolExecutor(READERS) as pool:
            ahead = _ReadAhead(pool, self.read)
            yield from fill(
                self._store,
                wanted,
                lambda some: self._make(some, [ahead(variant) for variant in some]),
                batch_size=batch_size,
                group=lambda variant: self._picture(variant).bucket,
                announce=ahead.start,
            )
        for variant in variants if self.plan.data.masks else ():  # now, while what is wrong with one can be mended
            self._masks.batch([variant])

    def batch(self, step: int, micro: int = 0) -> Batch:
        """Micro-batch `micro` of `step`, both from 0."""
        return self.load(self.plan.batch(step, micro))

    def validation(self) -> Iterator[Batch]:
        """The held-back pictures, always the same batches."""
        return map(self.load, self.plan.validation)

    def load(self, batch: BatchPlan) -> Batch:
        """The planned batch. What the cache has lost is encoded again; raises DataError if its picture is gone."""
        members = [self.plan.pictures[item.picture] for item in batch.items]
        prior = self.plan.data.prior_weight
        return Batch(
            latents=torch.stack([self._latents(item.variant) for item in batch.items]),
            captions=tuple(item.caption for item in batch.items),
            sizes=tuple(self.size(item.variant) for item in batch.items),
            weights=torch.tensor([picture.weight * (prior if picture.regularization else 1.0) for picture in members]),
            pictures=tuple(item.picture for item in batch.items),
            mask=self._masks.batch([item.variant for item in batch.items]) if self.plan.data.masks else None,
        )

    def key(self, variant: Variant) -> str:
        """Where the variant's latents are kept, by what the picture, its crop and the VAE are, not by their names."""
        picture, corner = self._picture(variant), self._corner(variant)
        parts = {"picture": picture.digest, "bucket": picture.bucket, "corner": corner, "flip": variant.flip}
        if picture.marks.shown:  # only then, so that entries of pictures without marks are found again
            parts["marks"] = picture.marks.shown
        return content_key("latents", vae=self._vae, **parts)

    def size(self, variant: Variant) -> PictureSize:
        """Sizes for SDXL's conditioning. Of a mirrored picture the corner is counted in the mirror image."""
        picture, (top, left) = self._picture(variant), self._corner(variant)
        if variant.flip:
            left = framing.scaled_size(picture)[1] - picture.bucket[1] - left
        return PictureSize(original=picture.size, crop=(top, left), target=picture.bucket)

    def read(self, variant: Variant) -> torch.Tensor:
        """The variant's pixels (3, h, w), fp32 in -1..1. Raises DataError when the picture has vanished or changed."""
        picture = self._picture(variant)
        image = self._scaled(variant.picture)
        return pixels.to_tensor(pixels.cut(image, self._corner(variant), picture.bucket, variant.flip))

    def _cut_mask(self, image: Image.Image, variant: Variant) -> Image.Image:
        return cut_as(self._picture(variant), self._corner(variant), variant.flip, image)

    def _picture(self, variant: Variant) -> Picture:
        return self.plan.pictures[variant.picture]

    def _corner(self, variant: Variant) -> Size:
        return framing.corner(self._picture(variant), variant.crop)

    def _read_scaled(self, index: int) -> Image.Image:
        """A picture at the size that its crops are cut from; kept for a moment, since they follow one another."""
        picture = self.plan.pictures[index]
        try:
            upright = read(picture.path, picture.marks.orientation)
        except UnreadablePicture as error:
            raise DataError(
                f"The picture '{picture.path}' {error}. It could be read when the run was prepared: "
                "put it back, or start the run anew without it."
            ) from error
        if upright.digest != picture.digest:
            raise DataError(f"The picture '{picture.path}' was changed after the run was prepared. Start the run anew.")
        return pixels.scale(framing.without_border(upright.rgb, picture.marks), framing.scaled_size(picture))

    def _latents(self, variant: Variant) -> torch.Tensor:
        key = self.key(variant)
        entry = self._store.get(key)
        if entry is None:
            entry = self._make([variant], [self.read(variant)])[0]
            self._store.put(key, entry)
        return entry["latents"]

    def _make(self, variants: Sequence[Variant], tensors: Sequence[torch.Tensor]) -> list[Entry]:
        """Latents of variants of one bucket, each as a tensor of its own (a view would keep the whole batch alive)."""
        latents = torch.cat(
            self.portions.map(
                lambda rows: self._encode(torch.stack(list(tensors[rows]))).detach().float().cpu(), len(tensors)
            )
        )
        for variant, values in zip(variants, latents):
            if not bool(values.isfinite().all()):
                raise DataError(
                    f"The picture '{self._picture(variant).path}' encodes to values that are no numbers. "
                    "The VAE may need fp32 (memory.precision), or is damaged (base.vae names another)."
                )
        return [{"latents": values.clone()} for values in latents]


class _ReadAhead:
    """Reads variants in their order on other threads, a few ahead of the one that is asked for."""

    def __init__(self, pool: ThreadPoolExecutor, read: Callable[[Variant], torch.Tensor]) -> None:
        self._pool, self._read = pool, read
        self._waiting: Iterator[Variant] = iter(())
        self._running: dict[Variant, Future[torch.Tensor]] = {}

    def start(self, variants: Sequence[Variant]) -> None:
        """Begin with the first of them."""
        self._waiting = iter(variants)
        for _ in range(2 * READERS):
            self._submit_next()

    def __call__(self, variant: Variant) -> torch.Tensor:
        """The pixels of the variant whose turn it is."""
        self._submit_next()
        try:
            return self._running.pop(variant).result()
        except MemoryError:  # several pictures at once did not fit
            return self._read(variant)

    def _submit_next(self) -> None:
        for variant in islice(self._waiting, 1):
            self._running[variant] = self._pool.submit(self._read, variant)
