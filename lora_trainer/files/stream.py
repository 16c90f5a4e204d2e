"""Writing a safetensors file larger than memory: tensor by tensor, whole or not at all, read back before it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ..errors import FileFormatError
from .atomic import replacing, sweep_partials
from .container import TensorSpec, write_container
from .hashes import sha256_of_file

if TYPE_CHECKING:
    import torch


class _Hashing:
    """A file that hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:
        self.digest.update(data)
        return self._file.write(data)


def write_stream(
    path: Path,
    specs: Mapping[str, TensorSpec],
    tensor_of: Callable[[str], torch.Tensor],
    metadata: Mapping[str, str] | None = None,
) -> str:
    """Write the tensors that `specs` announces, each asked of `tensor_of` once; returns the file's SHA-256.

    Raises as `atomic.replacing`; FileFormatError when what the disk gives back is not what was written; ValueError when
    a tensor is not as announced.
    """
    hashes: list[str] = []

    def check(partial: Path) -> None:
        if sha256_of_file(partial) != hashes[0]:
            raise FileFormatError(f"'{path}' was read back changed; the disk may be failing. Write it elsewhere.")

    sweep_partials(path.parent, path.name)
    with replacing(path, check) as file:
        hashing = _Hashing(file)
        write_container(cast(BinaryIO, hashing), specs, tensor_of, metadata or {})
        hashes.append(hashing.digest.hexdigest())
    return hashes[0]
