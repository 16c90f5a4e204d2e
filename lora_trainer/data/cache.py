"""Encoded pictures and captions, kept under a key that is made from content.

A picture that was renamed or moved is found again; one that was edited is not. Entries are small dicts of tensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import torch

from ..config import DataOptions
from ..errors import DataError, DiskError, UserError
from ..files.atomic import FileInUse, replacing

T = TypeVar("T")
Entry = dict[str, torch.Tensor]


def content_key(kind: str, **parts: object) -> str:
    """A key of 64 hex digits for what `parts` (plain values) determine."""
    text = json.dumps({"kind": kind, **parts}, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


class Store(Protocol):
    """Where entries are kept."""

    def get(self, key: str) -> Entry | None:
        """The entry, floating point values in fp32, or None when there is no sound one."""

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry. Raises DiskError when there is no room, DataError when it cannot be kept otherwise."""

    def has(self, key: str) -> bool:
        """Whether `get` would find a sound entry."""

    def drop(self, keys: Sequence[str]) -> None:
        """Free the memory of entries that are not needed any more (captions of steps that are done)."""


class MemoryStore:
    """Entries in memory. `keep` says in which: `Tensor.pin_memory`, or a move to the device while they are few."""

    def __init__(self, keep: Callable[[torch.Tensor], torch.Tensor] | None = None) -> None:
        self._keep = keep or (lambda tensor: tensor)
        self._entries: dict[str, Entry] = {}

    def get(self, key: str) -> Entry | None:
        return self._entries.get(key)

    def put(self, key: str, entry: Entry) -> None:
        self._entries[key] = {name: self._keep(tensor.cpu()) for name, tensor in entry.items()}

    def has(self, key: str) -> bool:
        return key in self._entries

    def drop(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._entries.pop(key, None)


class DiskStore:
    """One safetensors file per entry, in `dtype` (fp32 or fp16), in subfolders by the key's first two digits.

    A file is complete or absent: it is written beside its place and then moved there. Several runs may share a folder.
    """

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.folder, self.dtype = Path(folder), dtype

    def get(self, key: str) -> Entry | None:
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            entry = load(self._path(key).read_bytes())  # not mapped: Windows cannot replace a mapped file
        except (OSError, SafetensorError, ValueError):
            return None
        return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in entry.items()}

    def put(self, key: str, entry: Entry) -> None:
        from safetensors.torch import save

        _write(self._path(key), save({name: self._packed(tensor) for name, tensor in entry.items()}))

    def has(self, key: str) -> bool:
        return self.get(key) is not None

    def drop(self, keys: Sequence[str]) -> None:
        """Nothing: files stay for later runs."""

    def _path(self, key: str) -> Path:
        suffix = "" if self.dtype == torch.float32 else "-" + str(self.dtype).rpartition(".")[2]
        return self.folder / key[:2] / f"{key}{suffix}.safetensors"

    def _packed(self, tensor: torch.Tensor) -> torch.Tensor:
        """In the store's number format, unless the values do not fit in it."""
        tensor = tensor.detach().cpu().contiguous()
        if not tensor.is_floating_point():
            return tensor
        packed = tensor.to(self.dtype)
        return packed if bool(packed.isfinite().all()) else tensor


def open_store(
    data: DataOptions, default_folder: Path, keep: Callable[[torch.Tensor], torch.Tensor] | None = None
) -> MemoryStore | DiskStore:
    """The store that the options ask for; `keep` is that of MemoryStore."""
    if data.cache == "ram":
        return MemoryStore(keep)
    folder = Path(data.cache_folder).expanduser() if data.cache_folder else default_folder
    return DiskStore(folder, {"fp32": torch.float32, "fp16": torch.float16}[data.cache_dtype])


def fill(
    store: Store,
    wanted: Sequence[tuple[str, T]],
    make: Callable[[list[T]], list[Entry]],
    *,
    batch_size: int = 1,
    group: Callable[[T], Hashable] = lambda _: None,
    announce: Callable[[list[T]], None] = lambda _: None,
) -> Iterator[tuple[int, int]]:
    """Make the entries that the store lacks, yielding (done, total) after each batch of at most `batch_size`.

    `wanted` pairs keys with what entries are made of. What has the same `group` may be made together; different keys
    may be wanted in any order and more than once. Damaged entries are made anew. `announce` is told all that will be
    made, in its order, before the first is.
    """
    by_key = dict(wanted)
    missing: dict[Hashable, list[str]] = {}
    for key, item in by_key.items():
        if not store.has(key):
            missing.setdefault(group(item), []).append(key)
    announce([by_key[key] for keys in missing.values() for key in keys])
    done = len(by_key) - sum(map(len, missing.values()))
    yield done, len(by_key)
    for keys in missing.values():
        for start in range(0, len(keys), batch_size):
            part = keys[start : start + batch_size]
            for key, entry in zip(part, make([by_key[key] for key in part])):
                store.put(key, entry)
            done += len(part)
            yield done, len(by_key)


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all. Raises DiskError or DataError when that fails."""
    folder = path.parent.parent
    try:
        with replacing(path, durable=False) as file:
            file.write(content)
    except FileInUse as held:
        held.saved_as.unlink(missing_ok=True)  # another run reads the same entry, which Windows does not let go
    except DiskError as error:
        raise DiskError(
            f"The disk is full: the cache in '{folder}' cannot grow. "
            "Make room, name another data.cache_folder, or set data.cache to 'ram'."
        ) from error
    except UserError as error:
        raise DataError(f"The cache in '{folder}' (data.cache_folder) cannot grow. {error}") from error
