"""Files of tensors, read one tensor at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from ..errors import BaseModelError, FileFormatError
from ..files.container import read_header
from ..files.pickled import load_pickled
from .mapping import MappedFile

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TensorInfo:
    """What is known of a tensor without reading it."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * torch.Size(self.shape).numel()


class TensorFile(Protocol):
    """A file of tensors. `metadata` are its remarks (safetensors only)."""

    metadata: Mapping[str, str]

    def infos(self) -> Mapping[str, TensorInfo]: ...

    def tensor(self, key: str) -> Tensor: ...

    def close(self) -> None: ...


class SafetensorsFile:
    """A .safetensors file. Its tensors are mapped: a copy in another dtype or on another device is the only copy.

    Format: https://github.com/huggingface/safetensors
    """

    def __init__(self, path: Path) -> None:
        try:
            header = read_header(path)
        except FileFormatError as error:
            raise BaseModelError(str(error)) from error
        self.metadata: Mapping[str, str] = header.metadata
        start = header.data_start
        self._places = {
            key: (TensorInfo(spec.shape, spec.dtype), start + spec.start) for key, spec in header.tensors.items()
        }
        self._content = MappedFile(path, ((begin, begin + info.bytes) for info, begin in self._places.values()))

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: info for key, (info, _) in self._places.items()}

    def tensor(self, key: str) -> Tensor:
        """The tensor on the CPU in the dtype of the file, mapped. Raises KeyError."""
        info, begin = self._places[key]
        content = self._content.bytes(begin, begin + info.bytes)
        if begin % info.dtype.itemsize:  # a file by a careless writer; kernels expect numbers at their multiples
            content = content.clone()
        return content.view(info.dtype).reshape(info.shape)

    def close(self) -> None:
        """Tensors that were given out stay good; on Windows the file cannot be replaced before they are gone."""
        self._content.close()


class PickleFile:
    """A .ckpt, .pt or .bin file; only tensors are unpickled, never code. Tensors are mapped where its format allows."""

    def __init__(self, path: Path) -> None:
        self.metadata: Mapping[str, str] = {}
        try:
            self._tensors = load_pickled(path, mapped=True)
        except FileFormatError as error:
            raise BaseModelError(str(error)) from error

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: TensorInfo(tuple(tensor.shape), tensor.dtype) for key, tensor in self._tensors.items()}

    def tensor(self, key: str) -> Tensor:
        return self._tensors[key]

    def close(self) -> None:
        self._tensors = {}


class JoinedFiles:
    """Several files whose tensors belong together (a model in shards)."""

    def __init__(self, files: Iterable[TensorFile]) -> None:
        self._files = list(files)
        self.metadata: Mapping[str, str] = {}
        self._owner = {key: file for file in self._files for key in file.infos()}

    def infos(self) -> Mapping[str, TensorInfo]:
        return {key: info for file in self._files for key, info in file.infos().items()}

    def tensor(self, key: str) -> Tensor:
        return self._owner[key].tensor(key)

    def close(self) -> None:
        for file in self._files:
            file.close()


def open_tensor_file(path: Path) -> TensorFile:
    """Open by what the file is called. Raises BaseModelError when it is damaged or not plain weights."""
    return SafetensorsFile(path) if path.suffix.lower() == ".safetensors" else PickleFile(path)
