"""What the text encoders make of captions, encoded once as long as the encoders are frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from ..errors import DataError
from ..host.base import Conditioning
from .cache import Entry, Store, content_key, fill


class TextOutputs:
    """Conditioning of captions from a store.

    `encode` is the loan's `encode_captions` with clip skip and tokens bound; `identity` names the encoders' weights
    (their hash), since those decide the values just as the caption does.
    """

    def __init__(
        self,
        store: Store,
        encode: Callable[[Sequence[str]], Conditioning],
        *,
        identity: str,
        clip_skip: int,
        max_tokens: int,
    ) -> None:
        self._store, self._encode = store, encode
        self._parts = {"encoders": identity, "clip_skip": clip_skip, "max_tokens": max_tokens}

    def key(self, caption: str) -> str:
        """Where the caption's outputs are kept."""
        return content_key("text", caption=caption, **self._parts)

    def prepare(self, captions: Sequence[str], batch_size: int = 8) -> Iterator[tuple[int, int]]:
        """Encode what is missing, yielding (done, total). Raises DataError for values that are no numbers."""
        yield from fill(self._store, [(self.key(text), text) for text in captions], self._make, batch_size=batch_size)

    def conditioning(self, captions: Sequence[str]) -> Conditioning:
        """Context (n, tokens, width), fp32, and pooled (n, width) where the base has it. Encodes what is missing."""
        entries = []
        for caption in captions:
            entry = self._store.get(self.key(caption))
            if entry is None:
                entry = self._make([caption])[0]
                self._store.put(self.key(caption), entry)
            entries.append(entry)
        pooled = torch.stack([entry["pooled"] for entry in entries]) if "pooled" in entries[0] else None
        return Conditioning(torch.stack([entry["context"] for entry in entries]), pooled)

    def _make(self, captions: list[str]) -> list[Entry]:
        """Each caption's row of the outputs, as tensors of its own (a view would keep the whole batch alive)."""
        outputs = self._encode(captions)
        named = {"context": outputs.context, "pooled": outputs.pooled}
        tensors = {name: tensor.detach().float().cpu() for name, tensor in named.items() if tensor is not None}
        entries = [{name: tensor[row].clone() for name, tensor in tensors.items()} for row in range(len(captions))]
        for caption, entry in zip(captions, entries):
            if not all(bool(tensor.isfinite().all()) for tensor in entry.values()):
                raise DataError(
                    f"The text encoder gives values that are no numbers for the caption '{caption}'. "
                    "The base may be damaged; try memory.precision 'fp32'."
                )
        return entries
