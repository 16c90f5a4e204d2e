"""What captions are turned into: encoded once where the text encoders are frozen, anew each time where they learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Protocol

import torch
from torch import nn

from ..config import BaseOptions
from ..data.cache import Entry, Store, content_key, fill
from ..data.plan import CaptionChunk, RunPlan
from ..devices import release_memory
from ..errors import DataError
from ..families.base import Family
from ..host.base import Conditioning, Loan
from ..portions import once_more
from ..text.encode import encode
from ..text.tokens import tokenize_captions

MOST_CAPTIONS = 4000
"""How many distinct captions are kept encoded at a time: at 77 x 768 numbers each, about 1 GB."""


ALL = slice(None)


class CaptionSource(Protocol):
    """Gives the conditioning of a micro-batch's captions."""

    def prepare(self, step: int) -> Iterator[tuple[int, int]]:
        """Make ready for `step` (from 0) and those after it, yielding (done, total)."""

    def ahead(self, step: int) -> list[tuple[int, int]]:
        """What `prepare` will encode on the way, once all is ready for `step`: (before which step, how many)."""

    def __call__(self, captions: Sequence[str], rows: slice = ALL) -> Conditioning:
        """The conditioning of `rows` of n captions, as they have it among the others, on the loan's device."""


class EncodedCaptions:
    """Frozen text encoders: the host encodes every distinct caption once; the encoders may then leave the device.

    The captions of a whole run are known beforehand; where shuffling makes too many of them, they come in parts.
    `identity` tells the base's text encoders from others; `also` are texts that are wanted beside the run's captions.
    """

    def __init__(
        self,
        loan: Loan,
        plan: RunPlan,
        store: Store,
        base: BaseOptions,
        identity: str,
        also: Sequence[str] = (),
    ) -> None:
        self._loan, self._plan, self._store, self._base = loan, plan, store, base
        self._always = ("", *also)
        self._chunk = CaptionChunk(0, 0, ())
        self._identity = f"{identity}/{base.clip_skip}/{base.max_tokens}"

    def prepare(self, step: int) -> Iterator[tuple[int, int]]:
        if self._chunk.first_step <= step < self._chunk.end_step:
            return
        chunks = self._plan.caption_chunks(step, self._plan.total_steps, MOST_CAPTIONS)
        before, self._chunk = self._chunk, next(chunks, CaptionChunk(step, step + 1, ()))
        kept = dict.fromkeys([*self._always, *self._chunk.captions])
        self._store.drop([self._key(caption) for caption in {*before.captions} - {*kept}])
        wanted = [(self._key(caption), caption) for caption in kept]
        yield from fill(self._store, wanted, self._encode)
        self._loan.release("text")

    def ahead(self, step: int) -> list[tuple[int, int]]:
        chunks = list(self._plan.caption_chunks(step, self._plan.total_steps, MOST_CAPTIONS))
        return [(chunk.first_step, len({*chunk.captions} - {*before.captions})) for before, chunk in pairwise(chunks)]

    def __call__(self, captions: Sequence[str], rows: slice = ALL) -> Conditioning:
        entries = [self._entry(caption) for caption in captions]
        longest, entries = max(entry["context"].shape[0] for entry in entries), entries[rows]
        contexts = [self._padded(entry["context"], longest) for entry in entries]
        pooled = [entry["pooled"] for entry in entries if "pooled" in entry]
        conditioning = Conditioning(torch.stack(contexts), torch.stack(pooled) if pooled else None)
        return conditioning.to(self._loan.device)

    def _padded(self, context: torch.Tensor, tokens: int) -> torch.Tensor:
        """Fill up with chunks of the empty caption, as the host does beside a longer prompt."""
        missing = tokens - context.shape[0]
        if not missing:
            return context
        empty = self._entry("")["context"]
        return torch.cat([context, *[empty] * (missing // empty.shape[0])])

    def _entry(self, caption: str) -> Entry:
        entry = self._store.get(self._key(caption))
        if entry is None:
            (entry,) = self._encode([caption])
            self._store.put(self._key(caption), entry)
        return entry

    def _encode(self, captions: list[str]) -> list[Entry]:
        """An entry for each caption, with as many chunks as it has by itself."""
        entries = []
        for caption in captions:
            made = once_more(
                partial(
                    self._loan.encode_captions,
                    [caption],
                    clip_skip=self._base.clip_skip,
                    max_tokens=self._base.max_tokens,
                ),
                partial(release_memory, self._loan.device),
            )
            entry = {"context": made.context[0].float().cpu().clone()}
            if not bool(entry["context"].isfinite().all()):
                raise DataError(
                    f"The caption '{caption}' encodes to values that are no numbers. Set memory.precision to fp32 or "
                    "bf16; if that does not help, the base's text encoder is damaged."
                )
            if made.pooled is not None:
                entry["pooled"] = made.pooled[0].float().cpu().clone()
            entries.append(entry)
        return entries

    def _key(self, caption: str) -> str:
        return content_key("caption", caption=caption, encoder=self._identity)


class LiveCaptions:
    """Text encoders that are trained: captions go through the twins each time, with gradients."""

    def __init__(self, loan: Loan, family: Family, encoders: Sequence[nn.Module], base: BaseOptions) -> None:
        self._loan, self._family, self._encoders, self._base = loan, family, encoders, base

    def prepare(self, step: int) -> Iterator[tuple[int, int]]:
        return iter(())

    def ahead(self, step: int) -> list[tuple[int, int]]:
        return []

    def __call__(self, captions: Sequence[str], rows: slice = ALL) -> Conditioning:
        tokens = tokenize_captions(self._family.name, captions, max_tokens=self._base.max_tokens)
        return encode(self._family, self._encoders, tokens[rows], clip_skip=self._base.clip_skip)
